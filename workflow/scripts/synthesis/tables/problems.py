"""Located messages: what is wrong, in which file, line and field, and what to do next. All at once."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

MOST_TYPED = 200  # faults of one file that are told at once; nobody reads more


@dataclass(frozen=True)
class Problem:
    """One thing a person has to mend."""

    file: str  # as the user would type it
    line: int  # counted from 1; 0: the whole file
    field: str  # outcomes[2].events; blank: the whole file
    message: str  # the value, what was expected, and the next step, in whole sentences
    place: tuple[int, ...] = field(default=(), compare=False)  # where lines do not say it: tab, row, column of a cell

    def __str__(self) -> str:
        """Give ``file:line: field: message``, the form editors make clickable."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class ProblemsError(Exception):
    """Raised with every problem found, so that one run shows them all."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = in_reading_order(problems)
        super().__init__(render(self.problems))


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """Give each problem once, as a reader meets them: by file, by place in it, and outcomes[2] before outcomes[10].

    >>> [p.field for p in in_reading_order(Problem("x.yaml", 3, f"outcomes[{i}]", "?") for i in (10, 2, 10))]
    ['outcomes[2]', 'outcomes[10]']
    """

    def place(problem: Problem) -> tuple:
        numbered = [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", problem.field))]
        return problem.file, problem.line, problem.place, numbered, problem.message

    return sorted(dict.fromkeys(problems), key=place)


def refusal(path: str | Path, message: str, line: int = 0, field: str = "") -> ProblemsError:
    """Give the error about a whole file, or the one place in it that makes it unreadable."""
    return ProblemsError([Problem(str(path), line, field, message)])


def refuse(problems: Iterable[Problem]) -> None:
    """Raise what was found, if anything was."""
    if problems := list(problems):
        raise ProblemsError(problems)


@contextmanager
def noted(problems: list[Problem]) -> Iterator[None]:
    """Note the problems that are raised, and go on, so that those of the next part are told with them."""
    try:
        yield
    except ProblemsError as error:
        problems += error.problems


def first_of(problems: list[Problem], file: str, number: int = 0) -> list[Problem]:
    """Give as many problems of a file as somebody reads, and say how many more there are (``number`` in all)."""
    more = max(number, len(problems)) - MOST_TYPED
    if more <= 0:
        return problems
    return [*problems[:MOST_TYPED], Problem(file, 0, "", f"There are {more:,} more faults. Mend the first ones first.")]


def render(problems: Iterable[Problem]) -> str:
    """Give the problems as text, one a line, with their number at the end.

    >>> print(render([Problem("studies/x.yaml", 3, "arms.all.patients", "-1 is not a count.")]))
    studies/x.yaml:3: arms.all.patients: -1 is not a count.
    1 problem. Nothing was built; results/ is as it was.
    """
    problems = in_reading_order(problems)
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}."
    return "\n".join([*map(str, problems), f"{count} Nothing was built; results/ is as it was."])


def field_name(path: Iterable[str | int]) -> str:
    """Write a path into nested data the way a reader would: ``outcomes[2].events``.

    >>> field_name(("outcomes", 2, "events"))
    'outcomes[2].events'
    """
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else str(step)
    return name


def as_typed(value: object) -> str:
    """Write a value the way it stands in a file.

    >>> as_typed(["a", "b"]), as_typed({"a": "b"}), as_typed(5)
    ('[a, b]', '{a: b}', '5')
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_typed, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {as_typed(one)}' for key, one in value.items())}}}"
    return str(value)


def quote(value: object, longest: int = 60) -> str:
    """Show a value in a message: in quotes, on one line, cut when it is long."""
    text = as_typed(value).replace("\n", " ")
    return f'"{text}"' if len(text) <= longest else f'"{text[: longest - 1]}…"'


def one_of(value: object, allowed: Iterable[str]) -> str:
    """Say that a value is not allowed, what is, and which one is nearest.

    >>> one_of("fevr", ["fever", "rash"])
    '"fevr" is not one of: fever, rash. Did you mean "fever"?'
    """
    allowed = [str(a) for a in allowed]
    text = f"{quote(value)} is not one of: {', '.join(allowed)}."
    nearest = get_close_matches(str(value)[:100], allowed, n=1, cutoff=0.5)
    return f'{text} Did you mean "{nearest[0]}"?' if nearest else f"{text} Use one of these."
