"""Read YAML as text with line numbers, and check it against a typed model with every problem located.

Every scalar stays the text that was typed (``NO`` is a country, ``12:30`` is not 750); the models give types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, StringConstraints, ValidationError

from .problems import MOST_TYPED, Problem, ProblemsError, field_name, first_of, one_of, quote
from .yaml_text import Path_, read_document

SPELLINGS: dict[str, str] = {}  # pattern of a text → what to write

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Located:
    """Text data of one YAML file with the line of each part."""

    file: str
    data: dict[str, Any]  # mappings, lists and texts
    lines: Mapping[Path_, int] = field(repr=False)  # path into the data → line, counted from 1
    blank: frozenset[Path_] = frozenset()  # keys that the data leave out, since their value is empty: that is missing

    def problem(self, path: Path_, message: str) -> Problem:
        """Locate a message at the nearest line known for ``path``."""
        at = path
        while at and at not in self.lines:
            at = at[:-1]
        return Problem(self.file, self.lines.get(at, 1), field_name(path), message)


class TypingError(ProblemsError):
    """Raised when data do not fit their model; ``paths`` says where."""

    def __init__(self, problems: list[Problem], paths: list[Path_]):
        super().__init__(problems)
        self.paths = paths


def read_located(path: str | Path) -> Located:
    """Read one YAML file as text; see :func:`synthesis.tables.yaml_text.read_document` for what it refuses."""
    data, document = read_document(path)
    return Located(str(path), data, document.lines, frozenset(document.blank))


def spelled(pattern: str, words: str, **more: int) -> StringConstraints:
    """Give the constraint of a text, and keep the words for its pattern: nobody reads a regular expression."""
    SPELLINGS[pattern] = words
    return StringConstraints(pattern=pattern, **more)


def check_model(model: type[Model], located: Located, hints: Mapping[str, str] = {}, filled: bool = True) -> Model:
    """Type the data of a file with a pydantic model that forbids extra keys.

    ``hints`` gives field → the next step to print when it is missing; a blank name stands for all others. Without
    ``filled``, a key without a value counts as left out, where it may be.

    Raises
    ------
    TypingError
        With every problem, each at its line.
    """
    typed, errors = None, []
    try:
        typed = model.model_validate(located.data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    paths = [_path_in_data(e, located) for e in errors]
    blank = {path: _blank_message(model, path, filled) for path in located.blank}
    blank = {path: message for path, message in blank.items() if message and path not in paths}
    told = _said_once(errors, [*paths, *blank])
    problems = [_typed_problem(model, located, errors[i], paths[i], hints) for i in told[:MOST_TYPED]]
    problems += [located.problem(path, message) for path, message in blank.items()]
    if problems:
        raise TypingError(first_of(problems, located.file, len(told) + len(blank)), [*paths, *blank])
    return typed


def _blank_message(model: type[BaseModel], path: Path_, filled: bool) -> str | None:
    """Say what is wrong with a key that has no value; None where it may be left empty."""
    place = _annotation_at(model, path[:-1])
    fields, nothing = _fields(place), f"{quote(path[-1])} has no value. Write one, or take the line out."
    if fields is None:
        return nothing if place is not None else None  # a name that somebody gave; or inside an unknown key
    if path[-1] in fields:
        return nothing if filled else None
    if place.model_config.get("extra") == "allow":
        return nothing if filled else None  # words of the review; the checks know them
    return f"Unknown key. {one_of(path[-1], fields)}"


def _said_once(errors: list[Any], paths: list[Path_]) -> list[int]:
    """Leave out "a text is expected" where a mapping is allowed too, and what is wrong in it is said already.

    And that a list or mapping has too few items, where what is wrong with one of them is said. Behind the places of the
    errors, ``paths`` names the empty keys.
    """
    others = [path for e, path in zip(errors, paths, strict=False) if e["type"] != "string_type"]
    said = {path[:n] for path in others for n in range(len(path) + 1)}
    deeper = {path[:n] for path in paths for n in range(len(path))}
    known = {"string_type": said | deeper, "too_short": deeper}
    return [i for i, e in enumerate(errors) if paths[i] not in known.get(e["type"], ())]


# What pydantic finds, in the words of somebody who has not heard of it; {} are its own limits.
FAULTS = {
    "model_type": "{value} stands where keys and values are expected. Write `key: value` pairs.",
    "list_type": "{value} stands where a list is expected. Start each item with `- `, or use [a, b].",
    "string_type": "A list or mapping stands where one text is expected. Write one line, or put {value} in quotes.",
    "string_too_long": "{value} has more than {max_length} characters. Shorten it.",
    "string_too_short": "{value} is empty. Write a text.",
    "too_short": "At least {min_length} is needed. Write it.",
    "too_long": "At most {max_length} are possible. Take the others out.",
    "greater_than": "{value} is not more than {gt}. Write a larger number.",
    "greater_than_equal": "{value} is less than {ge}. Write {ge} or more.",
    "less_than": "{value} is not less than {lt}. Write a smaller number.",
    "less_than_equal": "{value} is more than {le}. Write {le} or less.",
}
FAULTS |= dict.fromkeys(("dict_type", "model_attributes_type"), FAULTS["model_type"])
FAULTS["tuple_type"] = FAULTS["list_type"]


def _typed_problem(
    model: type[BaseModel], located: Located, error: Any, path: Path_, hints: Mapping[str, str]
) -> Problem:
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "missing":
        names = (field_name(path[-2:]), str(path[-1]), "")  # the nearer one says more
        known = (hints[name] for name in names if name in hints)
        hint = next(known, "Add it; studies/README.md says what it holds.")
        message = f"This key is missing. {hint}"
    elif kind == "extra_forbidden":
        allowed = list(_fields(_annotation_at(model, path[:-1])) or ())
        message = f"Unknown key. {one_of(path[-1], allowed)}" if allowed else "Unknown key. Remove it."
    elif kind in ("literal_error", "enum"):
        expected = context["expected"].replace("' or '", "', '").split("', '")  # pydantic says 'a', 'b' or 'c'
        message = one_of(value, [part.strip("' ") for part in expected])
    elif kind in ("value_error", "assertion_error"):
        whole = str(value).strip()
        message = str(context["error"]).replace(whole, quote(whole)[1:-1]) if len(whole) > 60 else str(context["error"])
    elif kind == "string_pattern_mismatch":
        message = f"{quote(value)} does not fit. {SPELLINGS[context['pattern']]}"
    else:
        value = f"{value:.12g}" if isinstance(value, float) else value
        limits = {name: f"{limit:.12g}" for name, limit in context.items() if isinstance(limit, int | float)}
        message = FAULTS.get(kind, "{value} does not fit here. Correct it.").format(value=quote(value), **limits)
    return located.problem(path, message)


def _path_in_data(error: Any, located: Located) -> Path_:
    """Drop the parts of a pydantic location that name a union member or a dict key marker, not a place."""
    path: Path_ = ()
    here: Any = located.data
    loc = error["loc"]
    for i, step in enumerate(loc):
        last = i == len(loc) - 1 and error["type"] == "missing"
        if isinstance(here, dict) and (step in here or (*path, step) in located.lines):
            path, here = (*path, step), here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            path, here = (*path, step), here[step]
        elif isinstance(here, dict) and last:
            path = (*path, step)
    return path


def _annotation_at(model: type[BaseModel], path: Path_) -> Any:
    """Give the model or collection that stands at a path; None inside what the model does not know."""
    here: Any = model
    for step in path:
        fields = _fields(here)
        inside = [part for part in get_args(here) if part is not Ellipsis]
        here = _unwrap(fields.get(str(step)) if fields is not None else inside[-1] if inside else None)
    return here


def _fields(annotation: Any) -> dict[str, Any] | None:
    """Give key → annotation of a model, None of anything else."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {f.alias or name: f.annotation for name, f in annotation.model_fields.items()}
    return None


def _unwrap(annotation: Any) -> Any:
    """Find the model or collection inside ``Annotated[…]`` and ``… | None``."""
    if _fields(annotation) is not None or get_origin(annotation) in (dict, list, tuple):
        return annotation
    parts = (_unwrap(part) for part in get_args(annotation))
    return next((p for p in parts if _fields(p) is not None or get_origin(p) in (dict, list, tuple)), None)
