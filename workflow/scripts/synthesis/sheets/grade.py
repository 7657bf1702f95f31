"""The certainty of each answer, as a curator judged it: read, typed and checked, never computed.

``studies/grade.yaml`` maps an analysis to its judgements. GRADE starts a body of evidence at a level and rates it down
by five domains. The file states start, domains and end, so that the arithmetic between them can be checked, and a slip
of the pen is found before it is printed.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import create_model

from ..protocol.scalars import Part, Text
from ..tables.located import Located, TypingError, check_model, read_located
from ..tables.problems import one_of, refuse

CERTAINTIES = ("very low", "low", "moderate", "high")
DOMAINS = ("risk_of_bias", "inconsistency", "indirectness", "imprecision", "publication_bias")
LEVELS_DOWN = {"not serious": 0, "serious": 1, "very serious": 2}
HINTS = {
    "certainty": f"Write one of: {', '.join(CERTAINTIES)}.",
    "start": "Write where the evidence starts; on how often something happens it starts high.",
    "domains": "Write the five domains, each with its judgement and reason.",
    "judgement": f"Write one of: {', '.join(LEVELS_DOWN)}.",
    "reason": "Write why, also where nothing is serious.",
    **dict.fromkeys(DOMAINS, "Add the domain, with its judgement and reason."),
}

Certainty = Literal[CERTAINTIES]
Seriousness = Literal[tuple(LEVELS_DOWN)]


class Domain(Part):
    """The judgement on one domain, with its reason."""

    judgement: Seriousness
    reason: Text


Domains = create_model("Domains", __base__=Part, **dict.fromkeys(DOMAINS, Domain))


class Judgement(Part):
    """How certain one answer is."""

    certainty: Certainty
    start: Certainty
    domains: Domains
    provisional: Text | None = None


def read_grade(path: str | Path, analyses: Iterable[str] | None = None) -> dict[str, dict]:
    """Read and check the judgements: analysis → what :class:`Judgement` holds, for those that somebody judged.

    A file that is not there means that nobody has. Where ``analyses`` are given, a judgement on any other is a problem.

    Raises
    ------
    ProblemsError
        With every problem at its line: YAML errors, unknown keys and words, missing reasons, and a certainty that is
        not the start rated down by the domains.
    """
    if not os.path.lexists(path):
        return {}
    located, problems, judged = read_located(path), [], {}
    allowed = list(analyses or ())
    blank = [path for path in located.blank if len(path) == 1]
    problems += [located.problem(path, "Nothing is judged here. Fill it in, or take the line out.") for path in blank]
    for name in located.data:
        if allowed and name not in allowed:
            problems.append(located.problem((name,), one_of(name, allowed)))
        try:
            judged[name] = one = check_model(Judgement, _part(located, name), HINTS).model_dump()
        except TypingError as error:
            fields = [f"{name}.{said.field}" if said.field else name for said in error.problems]
            problems += [replace(said, field=one) for said, one in zip(error.problems, fields, strict=True)]
            continue
        expected = rated(one["start"], (domain["judgement"] for domain in one["domains"].values()))
        if one["certainty"] != expected:
            message = f'"{one["certainty"]}", but "{one["start"]}" rated down by the domains is "{expected}". '
            message += "Correct the certainty, or a domain."
            problems.append(located.problem((name, "certainty"), message))
    refuse(problems)
    return judged


def rated(start: str, judgements: Iterable[str]) -> str:
    """Rate a start down by the judgements of the domains, never below the lowest level.

    >>> rated("high", ["serious", "not serious"]), rated("high", ["very serious"] * 3)
    ('moderate', 'very low')
    """
    level = CERTAINTIES.index(start) - sum(LEVELS_DOWN[judgement] for judgement in judgements)
    return CERTAINTIES[max(level, 0)]


def _part(located: Located, name: str) -> Located:
    """Give the part of one analysis as a file of its own, with its lines."""
    lines = {path[1:]: line for path, line in located.lines.items() if path[:1] == (name,)}
    blank = frozenset(path[1:] for path in located.blank if path[:1] == (name,) and len(path) > 1)
    return Located(located.file, located.data[name], lines, blank)
