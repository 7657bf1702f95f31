"""What single values and parts of the config and of sheets may be: names, texts, whole numbers."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema

from ..tables.located import spelled
from ..tables.problems import as_typed
from ..words.levels import NOT_REPORTED

DESIGNS = (
    *("retrospective cohort", "prospective cohort", "cohort", "trial", "cross-sectional", "case-control"),
    *("nested case-control", "case series", "registry", "pharmacovigilance", "systematic review", "not reported"),
)
LARGEST = 2**31 - 1  # of a count; what is more is a slip, and would not fit where counts are added up
LONGEST_WINDOW = 36_525  # days: a hundred years
# What stands where a whole number is expected → what is wrong with it, in a curator's words; the first that fits.
NOT_WHOLE = {
    r"0+[0-9]+": "begins with 0. Is something before it lost? Write {short}, or the whole.",
    r"[0-9]{1,3}[.][0-9]{3}": "may be a thousand or a decimal number. Write digits only, without the point.",
    r"[0-9]{1,3}([., '’][0-9]{2,3})*[., '’][0-9]{3}": "has a thousands separator. Write {digits}.",
    r"[0-9.,]+ ?%": "is a percentage. Write the count here and the percentage under `reported`.",
    r"[0-9]+ ?/ ?[0-9]+": "is two numbers (or a date). Write events and patients under their own keys.",
    r"[0-9]+ to [0-9]+": "is two numbers. Only the events of a row under `outcomes` can be known within limits.",
    NOT_REPORTED: "cannot stand here. Write digits, or take out what it belongs to.",
    r"(?s).*": "is not a whole number of 0 or more. Write digits only, without sign or unit.",
}


def whole_number(value: Any) -> Any:
    """Read a whole number as a curator types it, or say what is wrong with it."""
    text = as_typed(value).strip()
    if re.fullmatch(r"0|[1-9][0-9]*", text):
        if len(text) > 10 or int(text) > LARGEST:
            raise ValueError(f'"{text}" is not a whole number up to {LARGEST:,}. Is it a slip of the pen? Look it up.')
        return int(text)
    said = next(said for pattern, said in NOT_WHOLE.items() if re.fullmatch(pattern, text))
    digits = re.sub("[^0-9]", "", text)
    raise ValueError(f'"{text}" {said.format(digits=digits, short=digits[-10:].lstrip("0") or "0")}')


WHOLE_SCHEMA = {"type": "integer", "minimum": 0, "maximum": LARGEST}

Whole = Annotated[int, BeforeValidator(whole_number), WithJsonSchema(WHOLE_SCHEMA)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
NAME = r"^[a-z][a-z0-9_]*$"
NAME_WORDS = "Write small letters, digits and _, a letter first."
Name = Annotated[str, spelled(NAME, NAME_WORDS)]


class Part(BaseModel):
    """What every part of a typed file shares: no unknown keys, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
