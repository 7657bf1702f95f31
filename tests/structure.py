"""The structure of the engine, read from the code: which module imports which, which rule reads what another wrote.

Only the order of rooms is written by hand (``ROOMS``, from the ground up).
"""

import ast
import html
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT

PACKAGE = ROOT / "workflow" / "scripts" / "synthesis"
RULES = ROOT / "workflow" / "rules"
ON_REQUEST = ("crosscheck", "operating_characteristics")  # rules that `all` leaves out

# A room is a folder and one idea; it may import from the rooms before it in this list, never from one after it.
ROOMS = (
    *("words", "tables", "models", "protocol", "sheets", "selection", "review"),
    *("pools", "moderators", "risk_factors", "variations", "figures", "methods", "report", "handover"),
    *("releases", "curation", "documents", "run"),
)
DOORS = "the modules at the top, which a person starts; nothing imports them"

Graph = dict[str, set[str]]


@dataclass(frozen=True)
class Job:
    """A rule with the files it reads and writes, as Snakemake prints them."""

    rule: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def import_graph(package: Path = PACKAGE) -> Graph:
    """Give module → modules of the package it imports, wherever in the module, for type checkers too.

    Parameters
    ----------
    package : path
        A package; modules are named below it: ``models.glmm``, and ``models`` for its ``__init__.py``.
    """
    paths = {_module_name(path, package): path for path in sorted(package.rglob("*.py"))}
    paths.pop("", None)
    return {name: _imported(name, path, paths) - {name} for name, path in paths.items()}


def _module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(name: str, path: Path, known: Iterable[str]) -> set[str]:
    here = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            stem = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
            stem = [part for part in stem if part]
            deep = {".".join([*stem, alias.name]) for alias in node.names}
            # `from . import models` is about the module, and not about the package that holds it.
            found |= deep if deep <= set(known) else deep | {".".join(stem)}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("synthesis"):
            stem = node.module.partition(".")[2]
            found |= {stem, *(f"{stem}.{alias.name}".strip(".") for alias in node.names)}
    return found & set(known)


def reachable(graph: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """Give everything a name leads to, directly or through others."""
    found: set[str] = set()
    queue = [start]
    while queue:
        new = set(graph.get(queue.pop(), ())) - found
        found |= new
        queue += new
    return found


def room_graph(imports: Mapping[str, Iterable[str]]) -> Graph:
    """Give room → rooms it imports from; modules outside a folder stand together, last.

    Raises
    ------
    ValueError
        For folders that ``ROOMS`` does not name.
    """
    graph: Graph = {room: set() for room in (*ROOMS, DOORS)}
    for name, targets in imports.items():
        if room_of(name) not in graph:
            raise ValueError(f"ROOMS does not say where {room_of(name)} stands. Add it.")
        graph[room_of(name)] |= {room_of(target) for target in targets} - {room_of(name)}
    return graph


def room_of(name: str) -> str:
    """Give the room of a module: its folder."""
    top, _, rest = name.partition(".")
    return DOORS if not rest and (PACKAGE / f"{top}.py").is_file() else top


def ask_snakemake(folder: Path) -> list[Job]:
    """Let Snakemake say which rule reads and writes what in a review; nothing is built."""
    command = [sys.executable, "-m", "snakemake", "--filegraph", "--", "all", *ON_REQUEST]
    alone = os.environ | {"GIT_DIR": os.devnull}  # what git holds of earlier reviews is no part of the structure
    done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise ValueError(f"Snakemake does not read the workflow:\n{done.stderr}")
    return read_jobs(done.stdout)


def read_jobs(dot: str) -> list[Job]:
    """Read what ``snakemake --filegraph`` prints."""
    jobs = []
    for label in re.findall(r"^\d+ \[.*?label=<(.*?)>\]$", dot, re.S | re.M):
        rule = re.search(r'point-size="18">(\w+)<', label)[1]
        before, _, after = label.partition("output &rarr;")
        reads, writes = (re.findall(r'"monospace">(.*?)</font>', part) for part in (before, after))
        jobs.append(Job(rule, tuple(map(html.unescape, reads)), tuple(map(html.unescape, writes))))
    return jobs


def rule_files(folder: Path = RULES) -> dict[str, str]:
    """Give rule → the file it stands in, in the order of files and rules; rules made in a loop count as one."""
    named = re.compile(r"^ *rule (\w+):|^ +name:\n +f\"(\w+)\{", re.M)
    return {
        plain or looped: path.name
        for path in sorted(folder.glob("*.smk"))
        for plain, looped in named.findall(path.read_text(encoding="utf-8"))
    }


def stage_graph(jobs: Iterable[Job], files: Mapping[str, str]) -> Graph:
    """Give file of rules → the files of rules whose outputs it reads."""
    jobs = [job for job in jobs if job.rule != "all"]
    makers = makers_of(jobs)
    graph: Graph = {file: set() for file in dict.fromkeys(files.values())}
    for job in jobs:
        here = files[plain_name(job.rule)]
        found = {maker for path in job.reads if (maker := makers(path))}
        graph[here] |= {files[plain_name(rule)] for rule in found} - {here}
    return graph


def makers_of(jobs: Iterable[Job]) -> Callable[[str], str]:
    """Give a function that names the rule which writes a path; blank when none does.

    Snakemake prints an output as ``results/{analysis,fever|rash}/rows.csv``, and an input as
    ``results/{analysis}/rows.csv`` or, where a rule gathers, ``results/fever/rows.csv``.
    """
    written = []
    for job in jobs:
        for path in job.writes:
            parts = re.split(r"\{(\w+)(?:,([^}]*))?\}", path)
            literal, names, rules = parts[::3], parts[1::3], parts[2::3]
            holes = [rf"(?:{rule or '[^/]+'}|\{{{name}\}})" for name, rule in zip(names, rules, strict=True)]
            pattern = "".join(re.escape(text) + hole for text, hole in zip(literal, [*holes, ""], strict=True))
            written.append((re.compile(pattern), job.rule))
    return lambda path: next((rule for pattern, rule in written if pattern.fullmatch(path)), "")


def plain_name(rule: str) -> str:
    """Give the name of a rule without the analysis it is made for in a loop."""
    return next((name for name in rule_files() if rule.startswith(f"{name}_")), rule)
