"""The house is as docs/architecture.md draws it: no circles, each stage behind the one before, figures without fits."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
import structure
from conftest import LISTED, ROOT
from structure import DOORS, PACKAGE, ROOMS, ask_snakemake, import_graph, makers_of, plain_name, reachable, room_graph

RULES = structure.rule_files()
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
# What may be read without another rule having made it: source files of a review and of the engine, and digests.
SOURCES = ("studies/", "workflow/", ".snakemake/planned/", ".snakemake/releases/", "<input function>")


@pytest.fixture(scope="module")
def imports():
    return import_graph()


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """Give what each rule reads and writes in this review; the folder is a copy, so no record of a build is touched."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("workflow", "studies"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    return ask_snakemake(folder)


def find_circle(graph) -> list[str]:
    """Give the names of one circle, its first name again at the end; nothing when there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph.get(name, ())):
            if circle := visit(target, [*path, name]):
                return circle
        done.add(name)
        return []

    return next((circle for name in sorted(graph) if (circle := visit(name, []))), [])


def test_modules_do_not_import_in_a_circle(imports):
    assert find_circle(imports) == []
    assert len(imports) > 100  # the walk sees the whole package
    assert "models.bayes" in imports["methods.counted"]  # inside a function, too


def test_rooms_import_downwards_only(imports):
    rooms = room_graph(imports)
    order = [*ROOMS, DOORS]
    upwards = {
        (room, other) for room, others in rooms.items() for other in others if order.index(other) > order.index(room)
    }
    assert not upwards
    assert rooms["words"] == set()
    assert rooms["figures"] <= {"words", "tables", "sheets", "selection"}


def test_a_folder_nobody_placed_is_an_error(imports):
    with pytest.raises(ValueError, match="attic"):
        room_graph(imports | {"attic.box": set()})


def test_names_tell_where_one_is(imports):
    """`ls` shows the flow; two files of one name send the reader to the wrong one."""
    files = [path.name for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py")]
    assert len(files) == len(set(files)), sorted(name for name in files if files.count(name) > 1)
    assert len(list(PACKAGE.glob("*.py"))) - 1 <= 6  # without __init__.py


def test_a_circle_is_found(tmp_path):
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_circle({"a": {"b"}, "b": set()}) == []
    (tmp_path / "a.py").write_text("def f():\n    from .b import g\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("import typing\nif typing.TYPE_CHECKING:\n    from . import a\n", encoding="utf-8")
    assert find_circle(import_graph(tmp_path)) == ["a", "b", "a"]


def test_figures_never_reach_a_fit(imports):
    """A colour never refits a model, and a job that draws does not wait for scipy."""
    drawing = {name for name in imports if name.split(".")[0] == "figures"}
    assert len(drawing) > 30
    fitting = {name for name in imports if name.split(".")[0] in ("models", "pools", "moderators", "variations")}
    for name in drawing:
        assert not reachable(imports, name) & fitting, name


def test_the_pages_of_answers_do_not_load_the_models(imports):
    for name in ("report.summary", "report.page", "handover.document", "handover.results_workbook"):
        assert not {found for found in reachable(imports, name) if found.split(".")[0] == "models"}, name


def test_a_stage_reads_only_what_was_made_before_it(jobs):
    makers = makers_of([job for job in jobs if job.rule != "all"])
    for job in jobs:
        unmade = [path for path in job.reads if not makers(path) and not path.startswith(SOURCES)]
        assert not unmade, f"{job.rule} reads what no rule writes: {unmade}"
    assert find_circle(structure.stage_graph(jobs, RULES)) == []


def test_every_rule_was_looked_at(jobs):
    asked = {"resample_studies"}  # runs only where the config shares the subsets out over jobs
    assert {plain_name(job.rule) for job in jobs} - {"all"} == set(RULES) - asked


def test_the_rules_can_be_read(jobs):
    """The Snakefile is a table of contents, a rule has a name that says something, and a long choice has one, too."""
    statements = re.findall(r"^(\w+)\b", (ROOT / "workflow" / "Snakefile").read_text(encoding="utf-8"), re.M)
    assert set(statements) == {"report", "include", "rule"} and statements.count("rule") == 1
    assert not [job.rule for job in jobs if re.search(r"\d$", job.rule)]
    for path in structure.RULES.glob("*.smk"):
        assert not re.search(r"lambda [^\n]*[\[({]$", path.read_text(encoding="utf-8"), re.M), path.name


WATCH = """
import os, sys

def note(event, arguments):
    path = str(arguments[0]) if event == "open" else ""
    if path.endswith("config.yaml") or "studies" in os.path.dirname(path).split(os.sep)[-1:]:
        end = os.open("opened.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(end, f"{os.path.basename(sys.argv[0])} {os.path.basename(path)}\\n".encode())
        os.close(end)

if any("/.snakemake/scripts/" in word for word in sys.orig_argv):
    sys.addaudithook(note)
"""


@pytest.mark.workflow
@pytest.mark.slow
def test_no_job_opens_the_config_or_a_sheet(copy, tmp_path, monkeypatch):
    """Seen from inside every job: only what stands beside the sheets is read where it is printed."""
    (tmp_path / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    for name, text in (("screening.csv", LISTED), ("grade.yaml", "{}\n")):
        (copy.folder / "studies" / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--forceall"]
    done = subprocess.run(
        command, cwd=copy.folder, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    opened = {tuple(re.sub(r"^tmp\w+\.", "", line).split()) for line in copy.read("opened.txt").splitlines()}
    assert {path for _, path in opened} <= {"screening.csv", "grade.yaml"}, opened
    assert ("draw_review.py", "screening.csv") in opened, "nothing was watched"


def test_the_page_names_what_there_is(imports):
    """A renamed module, rule file or folder makes the tour wrong: then this says which word of it."""
    for name in re.findall(r"`([\w/]+\.smk)`", PAGE):
        assert (ROOT / "workflow" / "rules" / name).is_file(), name
    for name in re.findall(r"`([\w/]+\.py)`", PAGE):
        assert any(path.is_file() for path in (PACKAGE / name, PACKAGE.parent / name)), name
    for name in re.findall(r"\]\((?!http)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
    for room in ROOMS:
        assert f"**{room}**" in PAGE, f"the page does not say what the room {room} is for"
    assert len(PAGE.split()) < 1350  # ten minutes


def test_the_picture_of_the_rooms_shows_every_import(imports):
    """An import that no path of arrows allows is missing in the picture; an arrow that nothing imports by is wrong."""
    drawn = {room: set() for room in ROOMS}
    for line in re.findall(r"^ +(.+-->.+)$", PAGE.partition("flowchart TB")[2].partition("```")[0], re.M):
        groups = [part.replace("ground", "words & tables").split(" & ") for part in line.split(" --> ")]
        for above, below in pairwise(groups):
            for room in below:
                drawn[room] |= set(above)
    drawn["tables"].add("words")
    real = {room: others - {room} for room, others in room_graph(imports).items() if room != DOORS}
    for room in ROOMS:
        assert real[room] <= reachable(drawn, room), room
        assert drawn[room] - {"words", "tables"} <= real[room], room
