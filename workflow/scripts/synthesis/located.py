"""Read YAML as text with line numbers, and check it against a typed model with every problem located.

Every scalar stays the text that was typed (``NO`` is a country, ``12:30`` is not 750); the models give types.
"""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from .characters import complaint, plain
from .problems import Problem, ProblemsError, field_name, one_of, quote

LARGEST_FILE = 1_000_000  # bytes; the longest sheet in the review has 20,000
DEEPEST = 12  # levels of nesting; a sheet has 5
MOST_VALUES = 50_000  # keys and values of one file; the longest sheet in the review has about 900
LONGEST_KEY = 200  # characters
MOST_TYPED = 200  # faults of one file that are told at once; nobody reads more

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
        A plain file; UTF-8, at most 1 MB, one mapping at the top, no aliases, no tags, nothing that cannot be seen.

    Returns
    -------
    Located

    Raises
    ------
    ProblemsError
        If the file cannot be read or is not such a mapping; the problem names line and column.
    """
    file, text = str(path), ""
    try:
        text = _read_text(Path(path))
        lines: dict[Path_, int] = {}
        data = _read_document(_events(text), lines)
    except OSError as error:
        raise ProblemsError([Problem(file, 0, "", f"Cannot be read: {error.strerror}.")]) from None
    except yaml.MarkedYAMLError as error:
        raise ProblemsError([_syntax_problem(file, error)]) from None
    except yaml.YAMLError as error:  # a character YAML does not allow carries no mark of its own
        message = f"Not readable as YAML: {' '.join(str(error).split())}."
        said = enumerate(map(complaint, text.split("\n")), 1)
        line, message = next(((at, f"Not readable as YAML: {bad}") for at, bad in said if bad), (0, message))
        raise ProblemsError([Problem(file, line, "", message)]) from None
    except _Refused as refused:
        raise ProblemsError([Problem(file, refused.line, "", str(refused))]) from None
    return Located(file, data, lines)


def _read_text(path: Path) -> str:
    """Read a plain file of reasonable size: a pipe would never end, and a size is asked before it is read."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise _Refused(0, "This is not a file. Move it away, or give it another ending.")
    if status.st_size > LARGEST_FILE:
        raise _Refused(0, f"The file has {status.st_size:,} bytes, more than {LARGEST_FILE:,}. Is it a sheet?")
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _Refused(line, f"Byte {error.start} is not UTF-8. Save the file as UTF-8 text.") from None


def _events(text: str) -> Iterator[Any]:
    """Give the parts of a document one by one, and refuse what would make them many, endless or something else.

    Composing the whole first would be simpler, and a file of 20 kB with nothing but brackets would end the process:
    the parser in C recurses without a limit.
    """
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST + 1:
            raise _Refused(line, f"Nested deeper than {DEEPEST} levels.")
        if number > MOST_VALUES:
            raise _Refused(line, f"The file has more than {MOST_VALUES:,} keys and values. Is it a sheet?")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(line, "YAML anchors (&) and aliases (*) are not used here. Write the value out.")
        if getattr(event, "tag", None):
            raise _Refused(line, f"YAML tags ({quote(event.tag)}) are not used here. Write the value alone.")
        if isinstance(event, yaml.ScalarEvent):
            event.value = plain(event.value)
            if bad := complaint(event.value):
                raise _Refused(line, bad)
        yield event


def _read_document(events: Iterator[Any], lines: dict[Path_, int]) -> dict[str, Any]:
    """Read the one document of a stream; it is a mapping."""
    data: Any = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and data is not None:
            message = "Not readable as YAML: a second document begins here. Remove ---."
            raise _Refused(event.start_mark.line + 1, message)
        if isinstance(event, yaml.NodeEvent):
            if not isinstance(event, yaml.MappingStartEvent):
                break
            data = _to_text(event, events, (), lines)
    if data is None:
        raise _Refused(1, "The file is not a mapping of `key: value` lines. Copy studies/TEMPLATE.yaml.")
    return data


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


def _to_text(event: Any, events: Iterator[Any], path: Path_, lines: dict[Path_, int]) -> Any:
    """Turn the events of one node into mappings, lists and texts, and note the line of each."""
    lines[path] = event.start_mark.line + 1
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_to_text(event, events, (*path, len(items)), lines))
        return items
    data: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        line = event.start_mark.line + 1
        if not isinstance(event, yaml.ScalarEvent):
            raise _Refused(line, "A key is itself a list or mapping. Use a plain name.")
        key = event.value
        if len(key) > LONGEST_KEY:
            raise _Refused(line, f"The key {quote(key)} has more than {LONGEST_KEY} characters. Use a plain name.")
        if (*path, key) in lines:
            raise _Refused(line, f"The key {quote(key)} stands twice. Keep one.")
        value = _to_text(next(events), events, (*path, key), lines)
        lines[(*path, key)] = line
        if value != "":
            data[key] = value
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
    paths = [_path_in_data(e, located) for e in errors]
    told = _one_side_of_each_choice(errors, paths)
    problems = [_typed_problem(model, located, errors[i], paths[i], hints) for i in told[:MOST_TYPED]]
    raise TypingError(first_of(problems, located.file, len(told)), paths)


def first_of(problems: list[Problem], file: str, number: int = 0) -> list[Problem]:
    """Give as many problems of a file as somebody reads, and say how many more there are (``number`` in all)."""
    more = max(number, len(problems)) - MOST_TYPED
    if more <= 0:
        return problems
    return [*problems[:MOST_TYPED], Problem(file, 0, "", f"There are {more:,} more faults. Mend the first ones first.")]


def _one_side_of_each_choice(errors: list[Any], paths: list[Path_]) -> list[int]:
    """Leave out "a text is expected" where a mapping is allowed too, and what is wrong in it is said already."""
    others = [path for e, path in zip(errors, paths, strict=True) if e["type"] != "string_type"]
    said = {path[:n] for path in others for n in range(len(path) + 1)}
    deeper = {path[:n] for path in paths for n in range(len(path))}
    return [
        i
        for i, (e, path) in enumerate(zip(errors, paths, strict=True))
        if not (e["type"] == "string_type" and (path in said or path in deeper))
    ]


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
        whole = str(value).strip()
        message = str(context["error"]).replace(whole, quote(whole)[1:-1]) if len(whole) > 60 else str(context["error"])
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


def _keys_beside(model: type[BaseModel], path: Path_) -> list[str]:
    """Give the keys the model allows where an unknown one was found."""
    here: Any = model
    for step in path[:-1]:
        fields = _fields(here)
        inside = [part for part in get_args(here) if part is not Ellipsis]
        here = _unwrap(fields.get(str(step)) if fields is not None else inside[-1] if inside else None)
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
