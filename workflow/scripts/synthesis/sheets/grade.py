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

from pydantic import BaseModel, ConfigDict

from ..protocol.scalars import Text
from ..tables.located import Located, TypingError, check_model, read_located
from ..tables.problems import Problem, one_of, refuse

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


class Part(BaseModel):
    """What every part of the file shares."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Domain(Part):
    """The judgement on one domain, with its reason."""

    judgement: Seriousness
    reason: Text


class Domains(Part):
    """The five domains evidence is rated down for."""

    risk_of_bias: Domain
    inconsistency: Domain
    indirectness: Domain
    imprecision: Domain
    publication_bias: Domain


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
    located = read_located(path)
    problems, judged = _check_names(located, analyses), {}
    blank = [path for path in located.blank if len(path) == 1]
    problems += [located.problem(path, "Nothing is judged here. Fill it in, or take the line out.") for path in blank]
    for name in located.data:
        try:
            judged[name] = check_model(Judgement, _part(located, name), HINTS)
        except TypingError as error:
            problems += [_named(name, problem) for problem in error.problems]
    problems += _check_arithmetic(located, judged)
    refuse(problems)
    return {name: one.model_dump() for name, one in judged.items()}


def rated(start: str, judgements: Iterable[str]) -> str:
    """Rate a start down by the judgements of the domains, never below the lowest level.

    >>> rated("high", ["serious", "not serious"]), rated("high", ["very serious"] * 3)
    ('moderate', 'very low')
    """
    level = CERTAINTIES.index(start) - sum(LEVELS_DOWN[judgement] for judgement in judgements)
    return CERTAINTIES[max(level, 0)]


def _check_names(located: Located, analyses: Iterable[str] | None) -> list[Problem]:
    """Find judgements on what is not an analysis."""
    allowed = None if analyses is None else list(analyses)
    return [located.problem((name,), one_of(name, allowed)) for name in located.data if allowed and name not in allowed]


def _check_arithmetic(located: Located, judged: dict[str, Judgement]) -> list[Problem]:
    """Find certainties that do not follow from their start and their domains."""
    problems = []
    for name, one in judged.items():
        expected = rated(one.start, (domain["judgement"] for domain in one.domains.model_dump().values()))
        if one.certainty != expected:
            message = (
                f'"{one.certainty}", but "{one.start}" rated down by the domains is "{expected}". '
                "Correct the certainty, or a domain."
            )
            problems.append(located.problem((name, "certainty"), message))
    return problems


def _part(located: Located, name: str) -> Located:
    """Give the part of one analysis as a file of its own, with its lines."""
    lines = {path[1:]: line for path, line in located.lines.items() if path[:1] == (name,)}
    blank = frozenset(path[1:] for path in located.blank if path[:1] == (name,) and len(path) > 1)
    return Located(located.file, located.data[name], lines, blank)


def _named(name: str, problem: Problem) -> Problem:
    """Put the analysis before the field of a message."""
    return replace(problem, field=f"{name}.{problem.field}" if problem.field else name)
