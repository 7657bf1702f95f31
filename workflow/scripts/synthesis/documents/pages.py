"""``python -m synthesis.documents.pages``: write docs/reference/ from the code, and numbers in docs/.

The sheet and the config come from their typed models, the questions from the comments of ``config.yaml``, the columns
of results from the codebook, the models from the table of models, the commands from the parser and the Makefile.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..protocol.config import Protocol, read_protocol
from ..tables.declared import columns_of, describe, table_file, table_names, table_title
from ..tables.files import write_text
from ..words.model_names import MODEL_NAMES
from .quoting import fill
from .schemas import config_schema, sheet_schema

FOLDER = Path("docs/reference")
MADE = "<!-- Written by `python -m synthesis.documents.pages`; do not edit. -->\n"
KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
NAME = "^[a-z][a-z0-9_]*$"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a Markdown table; what would end a cell or open a tag is escaped, a line break becomes a space.

    >>> print(table(["a", "b"], [["1", "x|y <z>"]]))
    | a | b |
    | --- | --- |
    | 1 | x\\|y &lt;z> |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """Escape a cell; between backticks a tag is only text."""
    parts = text.replace("|", "\\|").replace("\n", " ").split("`")
    return "`".join(part if i % 2 else part.replace("<", "&lt;") for i, part in enumerate(parts))


def kind_of(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """Say in words what a value may be.

    Parameters
    ----------
    schema : mapping
        A JSON Schema of one value.
    parts : mapping
        The schemas it may refer to (``$defs``), name → schema.

    Examples
    --------
    >>> kind_of({"type": "array", "items": {"enum": ["svg", "pdf"]}}, {})
    'list of `svg`, `pdf`'
    """
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        options = [kind_of(one, parts) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(options))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        words = tuple(schema["enum"])
        return "a [model](models.md)" if words == MODEL_NAMES else ", ".join(f"`{word}`" for word in words)
    kind = schema.get("type")
    if kind == "array":
        return f"list of {kind_of(schema['items'], parts)}"
    if kind == "object":
        values = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
        kinds = [kind_of(value, parts) for value in values if isinstance(value, Mapping)]
        return f"name → {kinds[0]}" if kinds else "names and values"
    if isinstance(kind, list):
        return "text or number"
    pattern = schema.get("pattern")
    return "name" if pattern == NAME else KINDS.get(kind, "text") + (f" (`{pattern}`)" if pattern else "")


def default_of(schema: Mapping[str, Any], required: bool) -> str:
    """Say what holds when a key is left out."""
    if required:
        return "required"
    value = schema.get("default")
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, list):
        return ", ".join(f"`{word}`" for word in value)
    if isinstance(value, Mapping):
        return "its defaults"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def fields(
    schema: Mapping[str, Any], parts: Mapping[str, Any], said: Mapping[str, str] | None = None
) -> list[list[str]]:
    """Give one row a key: name, what it may be, what holds without it, what it means.

    Parameters
    ----------
    schema : mapping
        The JSON Schema of an object.
    parts : mapping
    said : mapping, optional
        Key → the question it answers; it goes before what the model says of the key, and what it says of the part.
    """
    rows = []
    for name, field in schema["properties"].items():
        required = name in schema.get("required", ())
        linked = re.search(r"#/\$defs/(\w+)", str(field))
        part = parts[linked[1]].get("description", "") if linked else ""
        about = (said or {}).get(name) or field.get("description") or part
        rows.append([f"`{name}`", kind_of(field, parts), default_of(field, required), about])
    return rows


HEAD = ["key", "value", "left out", "what it says"]


def _parts_used(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[str]:
    """Give the parts a schema refers to, in the order a reader meets them."""
    seen: list[str] = []
    queue = [schema]
    while queue:
        text = str(queue.pop(0))
        for name in re.findall(r"#/\$defs/(\w+)", text):
            if name not in seen:
                seen.append(name)
                queue.append(parts[name])
    yield from seen


def _schema_page(title: str, intro: str, schema: Mapping[str, Any], said: Mapping[str, Mapping[str, str]]) -> str:
    parts = schema["$defs"]
    text = [MADE, f"# {title}\n", intro, "", table(HEAD, fields(schema, parts, said.get("")))]
    for name in _parts_used({k: v for k, v in schema.items() if k != "$defs"}, parts):
        part = parts[name]
        text += ["", f"## {name}", "", part.get("description", ""), ""]
        text.append(table(HEAD, fields(part, parts, said.get(name))))
        if part.get("additionalProperties"):
            text += ["", "Any attribute that the config names may stand here too."]
    return "\n".join(text) + "\n"


def sheet_page() -> str:
    """Give docs/reference/sheet.md."""
    intro = (
        "One file a study, `studies/<id>.yaml`. This page lists every key and what it may hold; what to write there,\n"
        "with examples, is in [studies/README.md](../../studies/README.md). An unknown key is an error."
    )
    from ..curation.fields import MORE_HELP

    schema = sheet_schema()
    said = {
        name: {key: MORE_HELP[key] for key, field in part["properties"].items() if _silent(key, field, MORE_HELP)}
        for name, part in [("", schema), *schema["$defs"].items()]
    }
    return _schema_page("The sheet", intro, schema, said)


def _silent(key: str, field: Mapping[str, Any], more: Mapping[str, str]) -> bool:
    return key in more and "description" not in field


def questions(config: str, sections: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Read the questions that the comments of ``config.yaml`` ask.

    Parameters
    ----------
    config : str
        Its text. A comment right above a key belongs to the key; in a comment above a section, a line such as
        ``#   window   how many days at most?`` belongs to that key of the section's parts.
    sections : mapping
        Section (a key at the margin) → name of the part that holds its keys.

    Returns
    -------
    dict
        Part → key → question; ``""`` for the sections themselves.

    Examples
    --------
    >>> questions("# Ask?\\nmodels:\\n  # Which?\\n  primary: glmm\\n", {"models": "Models"})
    {'': {'models': 'Ask?'}, 'Models': {'primary': 'Which?'}}
    """
    found: dict[str, dict[str, str]] = {"": {}}
    comment: list[str] = []
    part = ""
    for line in config.splitlines():
        if match := re.match(r" *#( .*|$)", line):
            comment.append(match[1])
        elif match := re.match(r"(|  )(\w+):", line):
            inner = _listed(comment)
            if not match[1]:
                part = sections.get(match[2], match[2])
                found.setdefault(part, {}).update(inner)
            own = " ".join(text.strip() for text in comment if not re.match(r" {3}", text)).strip()
            if own:
                found.setdefault(part if match[1] else "", {})[match[2]] = own
            comment = []
        else:
            comment = []
    return {name: said for name, said in found.items() if said}


def _listed(comment: Iterable[str]) -> dict[str, str]:
    lines = (re.match(r" {3}(\w+) {2,}(.+)", line) for line in comment)
    return {line[1]: line[2].strip() for line in lines if line}


def config_page(config: str) -> str:
    """Give docs/reference/config.md.

    Parameters
    ----------
    config : str
        The text of this review's ``config.yaml``, for the questions its comments ask.
    """
    schema = config_schema()
    sections = dict(_section_parts(schema["properties"]))
    asked = questions(config, sections)
    first = asked.get("", {})
    # The comment at the head of the file is about the file.
    first.pop("review", None)
    intro = (
        "Every scientific choice of a review. The file is closed: an unknown key is an error, with the nearest known\n"
        "one named. Where a comment of this review's `config.yaml` asks the question a key answers, it is quoted here."
    )
    return _schema_page("The config", intro, schema, asked)


def _section_parts(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in properties.items():
        if match := re.search(r"#/\$defs/(\w+)", str({k: v for k, v in field.items() if k != "default"})):
            yield name, match[1]


def results_page(protocol: Protocol) -> str:
    """Give docs/reference/results.md: every table of ``results/`` with its columns, as this review names them."""
    attributes = {name: protocol.variable_label(name) for name in ("product", *protocol.attributes)}
    intro = (
        "Every table in `results/`, one section a kind of table. Proportions run from 0 to 1 unless a description\n"
        "says per cent. A missing number is an empty cell, never 0, and `status` says why. Nothing is rounded."
    )
    shares = [f"share_{side}_{limit:g}" for limit in protocol.future.thresholds for side in ("above", "below")]
    text = [MADE, "# The results\n", intro]
    for name in table_names():
        columns = describe(
            name,
            columns_of(name, shares if name == "multiverse_summary" else attributes),
            protocol.review.unit,
            attributes,
        )
        rows = [[f"`{c.name}`", c.type, c.description + _allowed(c.allowed)] for c in columns]
        text += ["", f"## `{table_file(name)}`", "", f"{table_title(name)}.", ""]
        text.append(table(["column", "type", "what it holds"], rows))
    return "\n".join(text) + "\n"


def _allowed(words: Sequence[str]) -> str:
    return f": {', '.join(f'`{word}`' for word in words)}" if words else ""


def models_page() -> str:
    """Give docs/reference/models.md."""
    from ..models.catalogue import MODELS

    intro = (
        "The names that `models` in `config.yaml` may use, and `estimates.csv` prints. `se` and `tau2` are on the\n"
        "scale named here. `glmm-common` is no model of its own: it is `glmm` with one τ² for all levels of a\n"
        "variable, and carries the test between them. Formulas and references: `results/methods.md`."
    )
    rows = [[f"`{m.name}`", m.description, m.scale or "–", m.reference] for m in MODELS.values()]
    return "\n".join([MADE, "# The models\n", intro, "", table(["name", "model", "scale", "after"], rows)]) + "\n"


def commands_page(makefile: str) -> str:
    """Give docs/reference/commands.md.

    Parameters
    ----------
    makefile : str
        Its text: targets with ``## words`` behind them are listed.
    """
    from ..curation.command import make_parser

    targets = re.findall(r"^([a-z-]+):.*?## (.+)$", makefile, re.M)
    text = [MADE, "# The commands\n", "## make\n"]
    text.append(table(["command", "what it does"], [[f"`make {name}`", about] for name, about in targets]))
    text += ["", "## sheet", "", "`. .venv/bin/activate` once a terminal, then `sheet` is found."]
    for name, about, parser in _subcommands(make_parser()):
        text += ["", f"### sheet {name}", "", f"{about[:1].upper()}{about[1:]}.", ""]
        text.append(table(["argument", "what it says"], _arguments(parser)))
    text += ["", "## snakemake", "", SNAKEMAKE, ""]
    return "\n".join(text)


SNAKEMAKE = """`make` calls it; so can you. Every file of `results/` is a target.

| command | what it does |
| --- | --- |
| `snakemake` | build everything that is not up to date |
| `snakemake -n` | say what would be built, and why |
| `snakemake results/<analysis>/forest.svg` | build one file and what it needs |
| `snakemake --directory <folder>` | build the review in another folder with this engine |
| `snakemake crosscheck` | compute every estimate again in R, and fail where it differs |
| `snakemake operating_characteristics` | simulate reviews like this one, to see how the models behave |
| `snakemake --forceall` | build everything again |"""


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    group = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for choice in group._choices_actions:
        yield choice.dest, choice.help, group.choices[choice.dest]


def _arguments(parser: argparse.ArgumentParser) -> list[list[str]]:
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        name = ", ".join(f"`{option}`" for option in action.option_strings)
        if not name:
            name = f"`{action.dest}`" + {"*": ", none or several", "+": ", one or several", "?": ", or none"}.get(
                str(action.nargs), ""
            )
        about = (action.help or "").replace("%(default)s", f"`{action.default}`")
        rows.append([name, about])
    return rows


def texts() -> dict[Path, str]:
    """Give path → content of every generated page, and of every other page with its numbers, for this folder."""
    pages = [*FOLDER.parent.rglob("*.md"), *Path("examples").glob("*/README.md")]
    written = {path: fill(path.read_text(encoding="utf-8")) for path in sorted(pages)}
    return written | {
        FOLDER / "sheet.md": sheet_page(),
        FOLDER / "config.md": config_page(Path("config.yaml").read_text(encoding="utf-8")),
        FOLDER / "results.md": results_page(read_protocol("config.yaml")),
        FOLDER / "models.md": models_page(),
        FOLDER / "commands.md": commands_page(Path("Makefile").read_text(encoding="utf-8")),
    }


def main() -> int:
    """Write them."""
    for path, text in texts().items():
        write_text(path, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
