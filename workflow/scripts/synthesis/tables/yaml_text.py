"""Read one YAML file as text, and refuse every construct in which a part of what was typed would get lost.

YAML has its own ideas of a comma inside braces, of ``#`` and of ``~``. A curator types a number with a comma and gets
another number, with no error anywhere. So each place where YAML drops, cuts or replaces something is named here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..words.characters import complaint, look_alike, plain
from .files import read_plain
from .problems import Problem, ProblemsError, first_of, quote, refusal, refuse

LARGEST_FILE = 1_000_000  # bytes; the longest sheet in the review has 20,000
DEEPEST = 12  # levels of nesting; a sheet has 5
MOST_VALUES = 50_000  # keys and values of one file; the longest sheet in the review has about 900
LONGEST_KEY = 200  # characters
NOTHING = ("~", "null", "Null", "NULL")  # what YAML takes for no value
BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # where YAML counts a new line
CLOSED = re.compile(r"""([:,\[{]\s*[0-9.]+|["'\]}])\s+$""")  # a value that a # cannot be the rest of

Path_ = tuple[str | int, ...]

# A scalar that is not a string in YAML's own schema stays text here; the C parser is about ten times faster.
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Refused(Exception):
    """A construct after which nothing of the file can be read, at a line."""

    def __init__(self, line: int, message: str):
        self.line = line
        super().__init__(message)


@dataclass
class Document:
    """One file while it is read."""

    text: list[str]  # its lines
    lines: dict[Path_, int] = field(default_factory=dict)  # path into the data → line, counted from 1
    blank: set[Path_] = field(default_factory=set)  # keys with an empty value, which the data leave out
    faults: list[tuple[int, str]] = field(default_factory=list)  # line, message
    marked: dict[int, list[tuple]] = field(default_factory=dict)  # line → where texts that hold a # begin and end

    def fault(self, event: Any, message: str) -> None:
        """Note what is wrong at an event, and go on."""
        self.faults.append((event.start_mark.line + 1, message))


def read_document(path: str | Path) -> tuple[dict[str, Any], Document]:
    """Read one YAML file as text: a mapping of mappings, lists and texts, without the keys that have no value.

    Raises
    ------
    ProblemsError
        If it is no plain UTF-8 file of at most 1 MB with one mapping and neither aliases nor tags, or holds what YAML
        would drop or cut; with lines.
    """
    text = read_plain(path, LARGEST_FILE)
    document = Document(BREAK.split(text))
    try:
        data = _read_mapping(_events(text, document), document)
        document.faults += _cut_off(document)
    except yaml.MarkedYAMLError as error:
        raise _syntax_refusal(path, error, document.text) from None
    except yaml.YAMLError:  # a character YAML does not allow carries no mark of its own
        said = enumerate(map(complaint, document.text), 1)
        line, bad = next(((at, bad) for at, bad in said if bad), (0, "It holds a character that no text has."))
        raise refusal(path, f"Not readable as YAML: {bad}", line) from None
    except _Refused as refused:
        document.faults.append((refused.line, str(refused)))
    refuse(first_of([Problem(str(path), line, "", message) for line, message in document.faults], str(path)))
    return data, document


def _events(text: str, document: Document) -> Iterator[Any]:
    """Give the parts of a document one by one, and refuse what would make them many, endless or something else.

    Composing the whole first would be simpler, and a file of 20 kB with nothing but brackets would end the process:
    the parser in C recurses without a limit.
    """
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        line = event.start_mark.line + 1
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST + 1:
            raise _Refused(line, f"Nested deeper than {DEEPEST} levels.")
        if number > MOST_VALUES:
            raise _Refused(line, f"The file has more than {MOST_VALUES:,} keys and values. Is it a sheet?")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(line, "YAML anchors (&) and aliases (*) are not used here. Write the value out.")
        if getattr(event, "tag", None):
            raise _Refused(line, f"YAML tags ({quote(event.tag)}) are not used here. Write the value alone.")
        if isinstance(event, yaml.ScalarEvent):
            if "#" in event.value:
                start, end = event.start_mark, event.end_mark
                held = (start.line, start.column), (end.line, end.column)
                for at in range(start.line, end.line + 1):
                    document.marked.setdefault(at, []).append(held)
            event.value = plain(event.value)
            if bad := complaint(event.value):
                document.fault(event, bad)
            if event.value in NOTHING and not event.style:
                said = "is YAML's word for nothing. Leave the value empty, or write what the source says."
                document.fault(event, f"{quote(event.value)} {said}")
        yield event


def _read_mapping(events: Iterator[Any], document: Document) -> dict[str, Any]:
    """Read the one document of a stream; it is a mapping."""
    data: Any = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and data is not None:
            message = "Not readable as YAML: a second document begins here. Remove --- (or ... above it)."
            raise _Refused(event.start_mark.line + 1, message)
        if isinstance(event, yaml.NodeEvent):
            if not isinstance(event, yaml.MappingStartEvent):
                break
            data = _to_text(event, events, (), document)
    if data is None:
        raise _Refused(1, "The file is not a mapping of `key: value` lines. Is it the right file?")
    return data


def _to_text(event: Any, events: Iterator[Any], path: Path_, document: Document) -> Any:
    """Turn the events of one node into mappings, lists and texts, and note the line of each."""
    document.lines[path] = event.start_mark.line + 1
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    read = _to_list if isinstance(event, yaml.SequenceStartEvent) else _to_mapping
    return read(event, events, path, document)


def _to_list(event: Any, events: Iterator[Any], path: Path_, document: Document) -> list[Any]:
    items: list[Any] = []
    flow, before = event.flow_style, event
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_to_text(event, events, (*path, len(items)), document))
        numbers = [isinstance(item, str) and item.isdigit() for item in items[-2:]]
        if items[-1] == "":
            document.fault(event, "This item of the list is empty. Fill it in, or take it out.")
        elif flow and numbers == [True, True] and _between(before, event, document) == ",":
            one, other = items[-2:]
            thousands = f"{one}{other} or " if len(other) == 3 and not one.startswith("0") else ""
            message = f"[…{one},{other}…] is read as two items. Write {thousands}{one}.{other} if it is one number, "
            document.fault(event, f"{message}and {one}, {other} with a space if it is two.")
        before = event
    return items


def _between(one: Any, other: Any, document: Document, ends: bool = False) -> str:
    """Give what is typed between two events of one line; with ``ends``, together with the second."""
    start, end = one.end_mark, other.end_mark if ends else other.start_mark
    return document.text[start.line][start.column : end.column] if start.line == end.line else ""


def _to_mapping(event: Any, events: Iterator[Any], path: Path_, document: Document) -> dict[str, Any]:
    data: dict[str, Any] = {}
    flow, last, pieces = event.flow_style, event, []
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key, line = _read_key(event, document), event.start_mark.line + 1
        twice = (*path, key) in document.lines
        # Below a key that stands twice, each key would; its line makes another place of it.
        value = _to_text(next(events), events, (*path, key, *([line] if twice else [])), document)
        document.lines[(*path, key)] = line
        if flow and value == "" and not _has_colon(event, document):
            pieces.append(event)
            continue
        _tell_of_pieces(pieces, last, data, document)
        last, pieces = event, []
        if twice:
            document.fault(event, f"The key {quote(key)} stands twice. Keep one.")
        elif value == "":
            document.blank.add((*path, key))
        else:
            data[key] = value
    _tell_of_pieces(pieces, last, data, document)
    return data


def _read_key(event: Any, document: Document) -> str:
    line = event.start_mark.line + 1
    if not isinstance(event, yaml.ScalarEvent):
        raise _Refused(line, "A key is itself a list or mapping. Use a plain name.")
    key = event.value
    if len(key) > LONGEST_KEY:
        raise _Refused(line, f"The key {quote(key)} has more than {LONGEST_KEY} characters. Use a plain name.")
    if key != key.lstrip() and not event.style:
        begins = look_alike(document.text[line - 1])
        document.fault(event, f"The line is indented with {begins}. Indent it with plain spaces.")
    return key


def _has_colon(event: Any, document: Document) -> bool:
    """Say whether a colon follows a key, on its line or a later one."""
    number, rest = event.end_mark.line, document.text[event.end_mark.line][event.end_mark.column :]
    while not rest.strip() and number + 1 < len(document.text):
        number += 1
        rest = document.text[number]
    return rest.lstrip().startswith(":")


def _tell_of_pieces(pieces: list[Any], key: Any, data: dict[str, Any], document: Document) -> None:
    """Tell of what stands between two commas, which cut the value before it.

    ``{events: 1,007, patients: 1214}`` is 1 of 1214 to YAML, and ``{definition: any grade, see table}`` is any grade.
    """
    if not pieces:
        return
    name, first = getattr(key, "value", ""), pieces[0].value
    value = data.get(name)
    if not isinstance(value, str):
        document.fault(pieces[0], f"{quote(first)} has no value. Write `{first}: …`, or take it out.")
        return
    typed = _between(key, pieces[-1], document, ends=True).strip().removeprefix(":").strip()
    typed = typed or ", ".join((value, *(piece.value for piece in pieces)))
    number = re.fullmatch("([0-9]+)((?:,[0-9]+)+)([^,]*)", typed)
    once = bool(number) and number[2].count(",") == 1
    if number and re.fullmatch("(,[0-9]{3})+", number[2]) and not typed.startswith("0"):
        right = f"Write {typed.replace(',', '')}, without a comma"
        right += f" (or {typed.replace(',', '.')} if it is a decimal sign)." if once else "."
    elif once:
        right = f"Write {typed.replace(',', '.')}, with a decimal point."
    else:
        sign = "'" if '"' in typed else '"'
        right = f"Put the text in quotes, {name}: {sign}{quote(typed)[1:-1]}{sign}, or write `{first}: …`."
    cut = f"The comma cuts {name}: {quote(typed)} is read as {quote(value)}, and what follows as keys without a value."
    document.fault(pieces[0], f"{cut} {right}")


def _cut_off(document: Document) -> Iterator[tuple[int, str]]:
    """Find a # that ends a value in the middle of its text: ``grade #3 or more`` is grade to YAML.

    What surely is a remark stays one: a line of its own, or two spaces, a # and a space, as yamllint asks for.
    """
    for number, line in enumerate(document.text):
        for found in re.finditer(r"(?<=\s)#", line) if "#" in line else ():
            at = found.start()
            if any(start <= (number, at) < end for start, end in document.marked.get(number, ())):
                continue
            before, remark = line[:at], line[at + 1 : at + 2] in ("", " ")
            if before.strip() and not (remark and (before.endswith("  ") or CLOSED.search(before))):
                message = f"What follows # is not read: {quote(line[at:])}. Put a text that holds # in quotes; "
                yield number + 1, f"{message}a remark has two spaces before its # and one behind it."
            break


def _syntax_refusal(path: str | Path, error: yaml.MarkedYAMLError, text: list[str]) -> ProblemsError:
    """Put a fault of the syntax in words: where it is, and what most often is behind it."""
    reason = " ".join(filter(None, [error.context, error.problem]))
    begins = reason.startswith("while scanning") and "plain scalar" not in reason  # not where the parser gave up
    mark = (error.context_mark if begins else error.problem_mark) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    typed = text[line - 1] if 0 < line <= len(text) else ""
    before, here = typed[: column - 1].rstrip(), typed[column - 1 :].strip()
    near = text[max(0, line - 2) : line]
    odd = next(filter(None, map(look_alike, near)), None)
    if any(re.match(r" *\t", one) for one in near):
        hint = "A tab stands before the text: indent with spaces."
    elif odd:
        hint = f"Here stands {odd}: type it again, plainly."
    elif any(re.match("<{7}|={7}|>{7}", one) for one in text):
        hint = "Marks of a merge are left (<<<<<<<, =======, >>>>>>>): keep one of the two versions, and take them out."
    elif "end of stream" in reason:
        hint = "The quote that opens here is never closed: close it, or take it out."
    elif any(re.search(r",\s*,", one) for one in near):
        hint = "Two commas follow each other: take one out, or put the text in quotes."
    elif before.endswith(":") and here[:1] in ">|@`%&*!?-":
        hint = f"A text that begins with {here[:1]} needs quotes round it."
    elif before.endswith(("'", '"')):
        hint = "The text goes on behind its closing quote: put all of it in quotes, or take them out."
    elif any(re.search(r"\S\s+#", one) for one in near):
        hint = "What follows # is not read: put a text that holds # in quotes."
    elif here[:1] in tuple(":[]{}"):
        hint = "A text with a colon or a bracket in it needs quotes round it; or a quote or bracket is missing before."
    else:
        hint = "Look for a missing quote, colon (with a space behind it) or indent here or on the line before."
    at = f"column {column}, {quote(here)}" if here else f"column {column}"
    return refusal(path, f"Not readable as YAML at {at}. {hint}", line)
