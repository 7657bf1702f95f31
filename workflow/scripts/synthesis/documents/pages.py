"""``python -m synthesis.documents.pages``: write docs/reference/ from the code, and numbers in README.md and docs/.

The sheet and the config come from their typed models, the questions from the comments of ``config.yaml``, the columns
of results from their declaration, the models from the table of models, the commands from the parser and the Makefile.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..protocol.config import Protocol, read_protocol
from ..tables.declared import columns_of, describe, table_file, table_names, table_title
from ..tables.files import write_text
from ..words.model_names import MODEL_NAMES
from ..words.prose import markdown_table, upper_first
from .quoting import fill
from .schemas import config_schema, sheet_schema

Schema = Mapping[str, Any]

README, FOLDER = Path("README.md"), Path("docs/reference")
MADE = "<!-- Written by `python -m synthesis.documents.pages`; do not edit. -->"
KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
NAME = "^[a-z][a-z0-9_]*$"
TAG = re.compile("`[^`]*`|<")
PART = re.compile(r"#/\$defs/(\w+)")
HOW_MANY = {"*": ", none or several", "+": ", one or several", "?": ", or none"}
SHEET = """\
One file a study, `studies/<id>.yaml`. This page lists every key and what it may hold; what to write there,
with examples, is in [studies/README.md](../../studies/README.md). An unknown key is an error."""
CONFIG = """\
Every scientific choice of a review. The file is closed: an unknown key is an error, with the nearest known
one named. Where a comment of this review's `config.yaml` asks the question a key answers, it is quoted here."""
RESULTS = """\
Every table in `results/`, one section a kind of table. Proportions run from 0 to 1 unless a description
says per cent. A missing number is an empty cell, never 0, and `status` says why. Nothing is rounded."""
MODELS = """\
The names that `models` in `config.yaml` may use, and `estimates.csv` prints. `se` and `tau2` are on the
scale named here. `glmm-common` is no model of its own: it is `glmm` with one τ² for all levels of a
variable, and carries the test between them. Formulas and references: `results/methods.md`."""
EVERPOOL = "What `make` runs in a review that lies elsewhere than its engine: [a review of your own](../new-review.md)."
SNAKEMAKE = """\
`make` calls it; so can you. Every file of `results/` is a target.

| command | what it does |
| --- | --- |
| `snakemake` | build everything that is not up to date |
| `snakemake -n` | say what would be built, and why |
| `snakemake results/<analysis>/forest.svg` | build one file and what it needs |
| `snakemake --directory <folder>` | build the review in another folder with this engine |
| `snakemake crosscheck` | compute every estimate again in R, and fail where it differs |
| `snakemake operating_characteristics` | simulate reviews like this one, to see how the models behave |
| `snakemake --forceall` | build everything again |"""


def page(title: str, *parts: str) -> str:
    """Give a page: what made it, its title, its parts."""
    return "\n\n".join([MADE, f"# {title}", *parts]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a Markdown table in which nothing opens a tag; between backticks a tag is only text.

    >>> print(table(["a", "b"], [["1", "x|y <z>"]]))
    | a | b |
    | --- | --- |
    | 1 | x\\|y &lt;z> |
    """
    return markdown_table(
        head, [[TAG.sub(lambda m: m[0] if m[0] != "<" else "&lt;", cell) for cell in row] for row in rows]
    )


def kind_of(schema: Schema) -> str:
    """Say in words what a value may be, from the JSON Schema of it.

    >>> kind_of({"type": "array", "items": {"enum": ["svg", "pdf"]}})
    'list of `svg`, `pdf`'
    """
    match schema:
        case {"$ref": place}:
            name = place.rsplit("/", 1)[-1]
            return f"[{name}](#{name.lower()})"
        case {"anyOf": options}:
            return " or ".join(dict.fromkeys(kind_of(one) for one in options if one.get("type") != "null"))
        case {"const": word}:
            return f"`{word}`"
        case {"enum": words}:
            return "a [model](models.md)" if tuple(words) == MODEL_NAMES else code(words)
        case {"type": "array", "items": items}:
            return f"list of {kind_of(items)}"
        case {"type": "object"}:
            values = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
            kinds = [kind_of(value) for value in values if isinstance(value, Mapping)]
            return f"name → {kinds[0]}" if kinds else "names and values"
        case {"examples": [example, *_]}:
            return f"`{example}`"
        case {"type": [*_]}:
            return "text or number"
    pattern = schema.get("pattern")
    kind = KINDS.get(schema.get("type", ""), "text")
    return "name" if pattern == NAME else f"{kind} (`{pattern}`)" if pattern else kind


def code(words: Iterable[str]) -> str:
    """Give words as they are typed, in one line."""
    return ", ".join(f"`{word}`" for word in words)


def default_of(schema: Schema, required: bool) -> str:
    """Say what holds when a key is left out."""
    value = schema.get("default")
    if required or value in (None, "", [], {}):
        return "required" if required else "–"
    if isinstance(value, Mapping):
        return "its defaults"
    return (
        code(value)
        if isinstance(value, list)
        else f"`{str(value).lower() if value is True or value is False else value}`"
    )


def fields(schema: Schema, parts: Mapping[str, Schema], said: Mapping[str, str]) -> str:
    """Give the table of an object's keys: name, what it may be, what holds without it, what it means.

    What is ``said`` of a key goes before what the model says of it, and that before what it says of the key's part.
    """
    rows = []
    for name, field in schema["properties"].items():
        linked = PART.search(str(field))
        part = parts[linked[1]].get("description", "") if linked else ""
        about = said.get(name) or field.get("description") or part
        rows.append([f"`{name}`", kind_of(field), default_of(field, name in schema.get("required", ())), about])
    return table(["key", "value", "left out", "what it says"], rows)


def schema_page(title: str, intro: str, schema: Schema, said: Mapping[str, Mapping[str, str]]) -> str:
    """Give the page of a model: its keys, then each part it refers to, in the order a reader meets them."""
    parts, text = schema["$defs"], [intro, fields(schema, schema["$defs"], said.get("", {}))]
    queue = list(dict.fromkeys(PART.findall(str(schema["properties"]))))
    for name in queue:  # which grows
        part = parts[name]
        queue += [one for one in dict.fromkeys(PART.findall(str(part))) if one not in queue]
        text += [f"## {name}", part.get("description", ""), fields(part, parts, said.get(name, {}))]
        if part.get("additionalProperties"):
            text.append("Any attribute that the config names may stand here too.")
    return page(title, *text)


def sheet_page() -> str:
    """Give docs/reference/sheet.md."""
    from ..curation.fields import MORE_HELP

    schema = sheet_schema()
    said = {
        name: {key: MORE_HELP.get(key, "") for key, field in part["properties"].items() if "description" not in field}
        for name, part in [("", schema), *schema["$defs"].items()]
    }
    return schema_page("The sheet", SHEET, schema, said)


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
    found: dict[str, dict[str, str]] = defaultdict(dict, {"": {}})
    comment: list[str] = []
    part = ""
    for line in config.splitlines():
        if match := re.match(r" *#( .*|$)", line):
            comment.append(match[1])
            continue
        if match := re.match(r"(|  )(\w+):", line):
            if not match[1]:
                part = sections.get(match[2], match[2])
                listed = (re.match(r" {3}(\w+) {2,}(.+)", text) for text in comment)
                found[part] |= {one[1]: one[2].strip() for one in listed if one}
            if own := " ".join(text.strip() for text in comment if not text.startswith("   ")).strip():
                found[part if match[1] else ""][match[2]] = own
        comment = []
    return {name: said for name, said in found.items() if said}


def config_page(config: str) -> str:
    """Give docs/reference/config.md, with the questions that the comments of this ``config.yaml`` ask."""
    schema = config_schema()
    kinds = {name: str({**field, "default": ""}) for name, field in schema["properties"].items()}
    asked = questions(config, {name: PART.search(kind)[1] for name, kind in kinds.items() if PART.search(kind)})
    asked.get("", {}).pop("review", None)  # the comment at the head of the file is about the file
    return schema_page("The config", CONFIG, schema, asked)


def results_page(protocol: Protocol) -> str:
    """Give docs/reference/results.md: every table of ``results/`` with its columns, as this review names them."""
    attributes = {name: protocol.variable_label(name) for name in ("product", *protocol.attributes)}
    shares = [f"share_{side}_{limit:g}" for limit in protocol.future.thresholds for side in ("above", "below")]
    text = []
    for name in table_names():
        header = columns_of(name, shares if name == "multiverse_summary" else attributes)
        rows = [
            [f"`{one.name}`", one.type, one.description + (f": {code(one.allowed)}" if one.allowed else "")]
            for one in describe(name, header, protocol.review.unit, attributes)
        ]
        text += [f"## `{table_file(name)}`", f"{table_title(name)}.", table(["column", "type", "what it holds"], rows)]
    return page("The results", RESULTS, *text)


def models_page() -> str:
    """Give docs/reference/models.md."""
    from ..models import catalogue

    rows = [[f"`{m.name}`", m.description, m.scale or "–", m.reference] for m in catalogue.MODELS.values()]
    return page("The models", MODELS, table(["name", "model", "scale", "after"], rows))


def commands_page(makefile: str) -> str:
    """Give docs/reference/commands.md: the targets of the Makefile with ``## words`` behind them, and the parsers."""
    from everpool.command import COMMANDS

    from ..curation.command import make_parser

    targets = [[f"`make {name}`", about] for name, about in re.findall(r"^([a-z-]+):.*?## (.+)$", makefile, re.M)]
    text = ["## make", table(["command", "what it does"], targets)]
    ours = [[f"`everpool {name}`", run.__doc__.rstrip(".")] for name, run in COMMANDS.items()]
    text += ["## everpool", EVERPOOL, table(["command", "what it does"], ours)]
    text += ["## sheet", "`. .venv/bin/activate` once a terminal, then `sheet` is found."]
    group = next(action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction))
    for choice in group._choices_actions:
        text += [f"### sheet {choice.dest}", f"{upper_first(choice.help)}."]
        text.append(table(["argument", "what it says"], arguments(group.choices[choice.dest])))
    return page("The commands", *text, "## snakemake", SNAKEMAKE)


def arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Give each argument of a command, and what it says."""
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            name = code(action.option_strings) or f"`{action.dest}`{HOW_MANY.get(str(action.nargs), '')}"
            yield name, (action.help or "").replace("%(default)s", f"`{action.default}`")


def texts() -> dict[Path, str]:
    """Give path → content of every generated page, and of every other page with its numbers, for this folder."""
    pages = [README, *FOLDER.parent.rglob("*.md"), *Path("examples").glob("*/README.md")]
    return {path: fill(path.read_text(encoding="utf-8")) for path in sorted(pages)} | {
        FOLDER / "sheet.md": sheet_page(),
        FOLDER / "config.md": config_page(Path("config.yaml").read_text(encoding="utf-8")),
        FOLDER / "results.md": results_page(read_protocol("config.yaml")),
        FOLDER / "models.md": models_page(),
        FOLDER / "commands.md": commands_page(Path("Makefile").read_text(encoding="utf-8")),
    }


def main() -> None:
    """Write them."""
    for path, text in texts().items():
        if path == README and text != path.read_text(encoding="utf-8"):
            print("README.md filled from results/README.md.")
        write_text(path, text)


if __name__ == "__main__":
    main()
