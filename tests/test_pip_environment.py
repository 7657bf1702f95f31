"""What plain pip installs, requirements.txt and then the engine, gives the commands of `make` and all they need."""

import subprocess
import tomllib

import pytest
import test_faults as faults
from conftest import build_wheel, locked_environment

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
built, folder = faults.built, faults.folder


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory):
    """Install as README.md says, but for the network: the build backend is that of the tests."""
    home = tmp_path_factory.mktemp("pip")
    programs = locked_environment(home / "env")
    command = [programs / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*command, build_wheel(home)], check=True)
    return programs


def test_locked_packages_are_enough(bin_folder, folder, tmp_path):
    """The pages of `--report` are coloured by Pygments, which only the tests had brought along."""
    report = tmp_path / "report.html"
    commands = (
        ["python", "-m", "snakemake", "--cores", "2", "--forcerun", "gather_estimates", "--", "results/estimates.csv"],
        ["python", "-m", "snakemake", "--report", str(report), "results/estimates.csv"],
        ["sheet", "check"],
        ["everpool", "check"],
    )
    for program, *words in commands:
        done = subprocess.run(
            [str(bin_folder / program), *words],
            cwd=folder,
            env=faults.environment(folder, VIRTUAL_ENV=None),
            capture_output=True,
            encoding="utf-8",
            timeout=faults.LONGEST,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert report.stat().st_size > 100_000


def test_every_command_of_the_engine_is_there(bin_folder):
    project = tomllib.loads((faults.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {path.name for path in bin_folder.iterdir()} >= {"sheet", "everpool"} == set(project["scripts"])
