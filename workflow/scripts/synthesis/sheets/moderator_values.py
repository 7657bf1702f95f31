"""The values of continuous moderators: for each pooled row the number its source prints, or why there is none."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from ..tables.problems import quote
from ..words.levels import NOT_REPORTED
from ..words.terms import OK
from .sheet import ArmParts, holders

PER_CENT = "%"
NUMBER = re.compile(r"\s*([-−+]?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s*(.*)", re.DOTALL)
GROUPED = re.compile(r"([-−+]?[0-9]+(?:[.,' ’][0-9]+)+)(.*)", re.DOTALL)  # digits with something between them
ASIDE = ("%", "(", "[", "±", "+/-")  # what may follow a number without making it another one

Row = Mapping[str, str]


def moderator_rows(
    rows: Sequence[Row],
    characteristics: Sequence[Row],
    arms: Sequence[Row],
    moderators: Mapping[str, Mapping],
    analysis: str,
) -> list[dict]:
    """Give the value of every moderator for every row that an analysis pools: rows of ``moderators.csv``.

    ``rows`` are the used ones of ``rows.csv`` with ``subset`` = ``all``; a moderator has a ``unit`` and a
    ``characteristic`` (None: the year of publication). A value is a number, or None with the reason in ``status``.

    Taken from the pooled arm. Where that has no entry, an arm that holds all its patients serves, and the status
    names it; a part of the arm does not, since it need not be like the whole. An entry about a group of the arm
    never serves.
    """
    wider = _wider_arms(arms)
    table = []
    for (name, moderator), row in product(moderators.items(), rows):
        wanted = moderator.get("characteristic")
        facts = [fact for fact in characteristics if (fact["name"], fact["study"]) == (wanted, row["study"])]
        found = _year(row) if wanted is None else _from_facts(facts, row, wider, moderator.get("unit") or "")
        base = {"analysis": analysis, "moderator": name, "study": row["study"], "arm": row["arm"]}
        table.append(base | found)
    return table


def _found(value: float | None = None, status: str = OK, text: str = "") -> dict:
    return {"value": value, "text": text, "status": status}


def _year(row: Row) -> dict:
    year = row["year"]
    return _found(status="no year of publication") if year is None else _found(float(year), text=str(year))


def _from_facts(facts: Sequence[Row], row: Row, wider: Mapping[tuple, set], unit: str) -> dict:
    """Choose the entry of a study that describes the pooled arm, and read its number."""
    whole = [fact for fact in facts if not fact["group"]]
    if not facts:
        return _found(status="not reported")
    if not whole:
        return _found(status="reported only for a group of the arm: " + _names(facts, "group"))
    holders = wider.get((row["study"], row["arm"]), set())
    own = [fact for fact in whole if fact["arm"] == row["arm"]]
    chosen = own or [fact for fact in whole if fact["arm"] in holders]
    if not chosen:
        return _found(status=f"reported only for another arm: {_names(whole, 'arm')}")
    read = [_read(fact, unit) for fact in chosen]
    numbers = {found["value"] for found in read} - {None}
    if len(numbers) > 1:
        texts = "; ".join(found["text"] for found in read if found["value"] is not None)
        return _found(status=f"several values: {texts}", text=texts)
    best = next((i for i, found in enumerate(read) if found["value"] is not None), 0)
    wider_arm = {"status": f"of the arm that holds it: {chosen[best]['arm']}"} if numbers and not own else {}
    return read[best] | wider_arm


def _read(fact: Row, unit: str) -> dict:
    """Read one entry: a count over its patients in per cent, or a number as printed, in the moderator's unit."""
    text = fact["value"].strip()
    if fact["events"] and fact["patients"] and (_unit(unit) == PER_CENT or not text):
        share = f"{fact['events']}/{fact['patients']}"
        if _unit(unit) not in ("", PER_CENT):
            return _found(None, f"a count, and the moderator is in {unit}: {share}", share)
        return _found(100 * int(fact["events"]) / int(fact["patients"]), OK, share)
    if not text:
        return _found(None, "a count without its patients" if fact["events"] else "no value")
    theirs = _unit(fact["unit"])
    if theirs and unit and theirs != _unit(unit):
        return _found(None, f"in another unit: {theirs}, not {unit}", text)
    number = leading_number(text)
    if number is None:
        return _found(None, f"not one number: {text}", text)
    return _found(number, OK, text)


def leading_number(text: str) -> float | None:
    """Give the number a printed value begins with, or None where that is not surely the value.

    A range in brackets, a standard deviation or a per cent sign may follow; a second number, a bound or a comma
    (thousands or decimals?) may not.

    >>> [leading_number(t) for t in ("57 (31-70)", "7.98", "18.1%", "12 ± 3", "31-70", "<5", "1,030", "57+")]
    [57.0, 7.98, 18.1, 12.0, None, None, None, None]
    """
    match = NUMBER.fullmatch(text)
    if not match or (match[2].strip() and not match[2].strip().startswith(ASIDE)):
        return None
    return float(match[1].replace("−", "-"))


def why_no_number(text: str, unit: str | None, label: str, wanted: str) -> str | None:
    """Say why an entry cannot give a moderator its number, and what to write; None when it can, or says it has none.

    ``label`` and ``wanted`` are name and unit of the moderator.

    >>> why_no_number("61,5", "years", "Median age", "years")
    '"61,5" has a decimal comma. Write 61.5.'
    >>> why_no_number("57 (31-70)", "years", "Median age", "years") is None
    True
    """
    if text == NOT_REPORTED:
        return None
    theirs, ours = _unit(unit or ""), _unit(wanted)
    if theirs and ours and theirs != ours:
        return f"The unit is {quote(unit)}, and {label} is in {quote(wanted)}. Convert the value, or correct the unit."
    if leading_number(text) is not None:
        return None
    found = GROUPED.fullmatch(text)
    digits, rest = found.groups() if found else ("", "")
    plain = re.sub("[ '’]", "", digits)
    if plain != digits and leading_number(plain) is not None:
        said = f"has a thousands separator. Write {plain}{rest}."
    elif re.fullmatch(r"[^.,]*[0-9](\.[0-9]{3})+,[0-9]+", plain):
        said = f"has thousands and a decimal comma. Write {plain.replace('.', '').replace(',', '.')}{rest}."
    elif re.fullmatch(r"[^.,]*(,[0-9]{3})+\.[0-9]+|[^.,]*(,[0-9]{3}){2,}", plain):
        said = f"has a thousands separator. Write {plain.replace(',', '')}{rest}."
    elif re.fullmatch(r"[^.,]*[1-9][0-9]{0,2},[0-9]{3}", plain):
        said = f"may be a thousand or a decimal number. Write {plain.replace(',', '')} or {plain.replace(',', '.')}."
    elif re.fullmatch(r"[^.,]+,[0-9]+", plain):
        said = f"has a decimal comma. Write {plain.replace(',', '.')}{rest}."
    else:
        said = f"is not one number, as {label} needs it. Write the number first and what else is printed in brackets, "
        said += f"or `{NOT_REPORTED}` here and the text under `note`."
    return f"{quote(text)} {said}"


def _unit(text: str) -> str:
    """Give a unit in one spelling, without what is said about it in brackets."""
    plain = text.split("(")[0].strip().lower()
    return PER_CENT if plain in ("%", "percent", "per cent", "per-cent") else plain


def _names(facts: Iterable[Row], column: str) -> str:
    return ", ".join(dict.fromkeys(fact[column] for fact in facts))


def _wider_arms(arms: Sequence[Row]) -> dict[tuple[str, str], set[str]]:
    """Give (study, arm) → the arms that hold all its patients."""
    studies: dict[str, list[ArmParts]] = {}
    for arm in arms:
        studies.setdefault(arm["study"], []).append((arm["arm"], arm["comprises"].split("; "), arm["part_of"]))
    return {(study, name): holders(name, own) for study, own in studies.items() for name, *_ in own}
