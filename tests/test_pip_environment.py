"""What plain pip installs from requirements.txt is all that a build, `sheet` and `snakemake --report` need."""

import re
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
import test_faults as faults
from packaging.requirements import Requirement

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
built, folder = faults.built, faults.folder


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory):
    """Make an environment of the locked packages alone, without a network: links to those that are installed here."""
    home = tmp_path_factory.mktemp("pip") / "env"
    venv.create(home, symlinks=True)
    library = home / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    text = (faults.ROOT / "requirements.txt").read_text(encoding="utf-8")
    wanted = map(Requirement, re.findall(r"^(\w.+?) \\$", text, re.M))
    for found in (distribution(one.name) for one in wanted if not one.marker or one.marker.evaluate()):
        for top in {Path(file).parts[0] for file in found.files if not str(file).startswith("..")} - {"__pycache__"}:
            if not (library / top).exists():
                (library / top).symlink_to(found.locate_file(top))
    return home / "bin"


def test_locked_packages_are_enough(bin_folder, folder, tmp_path):
    """The pages of `--report` are coloured by Pygments, which only the tests had brought along."""
    report = tmp_path / "report.html"
    commands = (
        ["-m", "snakemake", "--cores", "2", "--forcerun", "gather_estimates", "--", "results/estimates.csv"],
        ["-m", "snakemake", "--report", str(report), "results/estimates.csv"],
        ["-m", "synthesis.curation.command", "check"],
    )
    for command in commands:
        done = subprocess.run(
            [str(bin_folder / "python"), *command],
            cwd=folder,
            env=faults.environment(folder, VIRTUAL_ENV=None),
            capture_output=True,
            encoding="utf-8",
            timeout=faults.LONGEST,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert report.stat().st_size > 100_000
