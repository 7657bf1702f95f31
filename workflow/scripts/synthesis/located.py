"""Read YAML as text with line numbers, and check it against a typed model with every problem located.

Every scalar stays the text that was typed (``NO`` is a country, ``12:30`` is not 750); the models give types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from .problems import Problem, ProblemsError, field_name, one_of, quote

LARGEST_FILE = 1_000_000  # bytes; the longest sheet in the review has 20,000
DEEPEST = 12  # levels of nesting; a sheet has 5

Path_ = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Located:
    """Text data of one YAML file with the line of each part.

    Parameters
    ----------
    file : str
        Path as given.
    data : dict
        Mappings, lists and texts. Keys with an empty value are left out: empty means missing.
    lines : dict
        Path into ``data`` → line, counted from 1.
    """

    file: str
    data: dict[str, Any]
    lines: Mapping[Path_, int] = field(repr=False)

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


class _Refused(Exception):
    """A construct that a curated file has no use for, at a line."""

    def __init__(self, line: int, message: str):
        self.line = line
        super().__init__(message)


# A scalar that is not a string in YAML's own schema stays text here; the C parser is about ten times faster.
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def read_located(path: str | Path) -> Located:
    """Read one YAML file as text.

    Parameters
    ----------
    path : str or Path
        The file; UTF-8, at most 1 MB, one mapping at the top, no aliases.

    Returns
    -------
    Located

    Raises
    ------
    ProblemsError
        If the file cannot be read or is not such a mapping; the problem names line and column.
    """
    file = str(path)
    try:
        raw = Path(path).read_bytes()
        if len(raw) > LARGEST_FILE:
            raise _Refused(0, f"The file has {len(raw):,} bytes, more than {LARGEST_FILE:,}. Is it a sheet?")
        text = raw.decode("utf-8-sig")
        _refuse_aliases(text)
        node = yaml.compose(text, Loader=_Loader)
        if not isinstance(node, yaml.MappingNode):
            raise _Refused(1, "The file is not a mapping of `key: value` lines. Copy studies/TEMPLATE.yaml.")
        lines: dict[Path_, int] = {}
        data = _to_text(node, (), lines, file)
    except OSError as error:
        raise ProblemsError([Problem(file, 0, "", f"Cannot be read: {error.strerror}.")]) from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"Byte {error.start} is not UTF-8. Save the file as UTF-8 text."
        raise ProblemsError([Problem(file, line, "", message)]) from None
    except yaml.MarkedYAMLError as error:
        raise ProblemsError([_syntax_problem(file, error)]) from None
    except yaml.YAMLError as error:  # a character YAML does not allow carries no mark of its own
        message = f"Not readable as YAML: {' '.join(str(error).split())}."
        raise ProblemsError([Problem(file, 0, "", message)]) from None
    except _Refused as refused:
        raise ProblemsError([Problem(file, refused.line, "", str(refused))]) from None
    return Located(file, data, lines)


def _refuse_aliases(text: str) -> None:
    """Refuse anchors and aliases before composing: nine nested ones make a billion nodes."""
    if "&" not in text and "*" not in text:
        return
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            line = event.start_mark.line + 1
            raise _Refused(line, "YAML anchors (&) and aliases (*) are not used here. Write the value out.")


def _syntax_problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    reason = " ".join(filter(None, [error.context, error.problem]))
    return Problem(
        file,
        line,
        "",
        f"Not readable as YAML at column {column}: {reason}. "
        "Look for a missing quote, colon or indent on this line or the one before.",
    )


def _to_text(node: yaml.Node, path: Path_, lines: dict[Path_, int], file: str) -> Any:
    """Turn a node into mappings, lists and texts, and note the line of each."""
    lines[path] = node.start_mark.line + 1
    if len(path) > DEEPEST:
        raise _Refused(node.start_mark.line + 1, f"Nested deeper than {DEEPEST} levels.")
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_to_text(child, (*path, i), lines, file) for i, child in enumerate(node.value)]
    data = {}
    for key, child in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise _Refused(line, "A key is itself a list or mapping. Use a plain name.")
        if key.value in data or (*path, key.value) in lines:
            raise _Refused(line, f"The key {quote(key.value)} stands twice. Keep one.")
        value = _to_text(child, (*path, key.value), lines, file)
        lines[(*path, key.value)] = line
        if value != "":
            data[key.value] = value
    return data


def check_model(model: type[Model], located: Located, hints: Mapping[str, str] = {}) -> Model:
    """Type the data of a file.

    Parameters
    ----------
    model : type
        A pydantic model that forbids extra keys.
    located : Located
        What was read.
    hints : mapping, optional
        Name of a field → the next step to print when it is missing.

    Returns
    -------
    Model

    Raises
    ------
    TypingError
        With every problem, each at its line.
    """
    try:
        return model.model_validate(located.data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        paths = [_path_in_data(e["loc"], located) for e in errors]
        problems = [_typed_problem(model, located, e, p, hints) for e, p in zip(errors, paths, strict=True)]
        raise TypingError(problems, paths) from None


def _typed_problem(
    model: type[BaseModel], located: Located, error: Any, path: Path_, hints: Mapping[str, str]
) -> Problem:
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "missing":
        hint = hints.get(str(path[-1]), "Add it; studies/README.md says what it holds.")
        message = f"This key is missing. {hint}"
    elif kind == "extra_forbidden":
        allowed = _keys_beside(model, path)
        message = f"Unknown key. {one_of(path[-1], allowed)}" if allowed else "Unknown key. Remove it."
    elif kind in ("literal_error", "enum"):
        message = one_of(value, [part.strip("' ") for part in _split_expected(context["expected"])])
    elif kind in ("value_error", "assertion_error"):
        message = str(context["error"])
    elif kind in ("model_type", "dict_type", "model_attributes_type"):
        message = f"{quote(value)} stands where keys and values are expected. Write `key: value` pairs."
    elif kind in ("list_type", "tuple_type"):
        message = f"{quote(value)} stands where a list is expected. Start each item with `- `, or use [a, b]."
    elif kind == "string_type":
        message = "A list or mapping stands where one text is expected. Write one line of text."
    elif kind == "string_pattern_mismatch":
        message = f"{quote(value)} does not fit the pattern {context['pattern']}. Correct it."
    else:
        message = f"{quote(value)}: {error['msg']}. Correct the value."
    return located.problem(path, message)


def _split_expected(expected: str) -> list[str]:
    """Undo pydantic's ``'a', 'b' or 'c'``."""
    return expected.replace("' or '", "', '").split("', '")


def _path_in_data(loc: tuple, located: Located) -> Path_:
    """Drop the parts of a pydantic location that name a union member or a dict key marker, not a place."""
    path: Path_ = ()
    here: Any = located.data
    for i, step in enumerate(loc):
        last = i == len(loc) - 1
        if isinstance(here, dict) and (step in here or (*path, step) in located.lines):
            path, here = (*path, step), here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            path, here = (*path, step), here[step]
        elif isinstance(here, dict) and last:
            path = (*path, step)
    return path


def _keys_beside(model: type[BaseModel], path: Path_) -> list[str]:
    """Give the keys the model allows where an unknown one was found."""
    here: Any = model
    for step in path[:-1]:
        fields = _fields(here)
        here = _unwrap(fields.get(str(step)) if fields is not None else get_args(here)[-1])
    return list(_fields(here) or [])


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
