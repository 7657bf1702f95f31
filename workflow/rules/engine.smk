# In:  where this file was read from: a clone, an environment it is installed in, or a release in git
# Out: the folders RULES, SCRIPTS (with the library) and TEMPLATES; the surroundings of every job
import io
import os
import platform
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.sourcecache import LocalSourceFile
from snakemake.utils import min_version

min_version("9.27")


def unpacked(place):
    """Give the folder of a release that Snakemake reads out of git (`gitfile`, `github`): Python imports files only."""
    if not hasattr(place, "ref"):
        raise WorkflowError(
            f"The engine cannot run from {place}, file by file. Name it with gitfile(…) or github(…) and a tag, "
            "or install it: pip install everpool"
        )
    store = place.repo_path if hasattr(place, "repo_path") else place.hosted_repo.repo_clone
    git = ["git", "-C", str(store)]
    commit = subprocess.check_output([*git, "rev-parse", f"{place.ref}^{{commit}}"], text=True).strip()
    folder = Path(".snakemake/engine") / commit[:12]
    if not folder.is_dir():  # at once or not at all: nobody imports half an engine
        part = folder.with_suffix(f".{os.getpid()}")
        packed = subprocess.check_output([*git, "archive", "--format=zip", commit, "--", place.path])
        zipfile.ZipFile(io.BytesIO(packed)).extractall(part)
        try:
            part.rename(folder)
        except OSError:  # another job of a cluster was faster
            shutil.rmtree(part)
    return folder / place.path


place = workflow.current_basedir.get_basedir()
# Relative where it can be, so that Snakemake's records stay true when the whole folder moves.
HERE = Path(os.path.relpath(place)) if isinstance(place, LocalSourceFile) else unpacked(place)
# The rules, too: Snakemake 9.27 fails where it asks whether a script in git is newer than what it made.
SCRIPTS, TEMPLATES, RULES = HERE / "scripts", HERE / "templates", Path(os.path.abspath(HERE)) / "rules"
if str(SCRIPTS.resolve()) not in sys.path:
    sys.path.insert(0, str(SCRIPTS.resolve()))
# Jobs find the engine of this folder first: an environment made for another copy would lend them that copy's.
paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(SCRIPTS.resolve()), *paths]))

# Snakemake 9.27 hands this path to the shell without quotes, so an environment below "My reviews/" would not start.
if sys.executable != shlex.quote(sys.executable) and not sys.executable.startswith("'"):
    sys.executable = shlex.quote(sys.executable)

# The same bytes on every machine: one thread a job (Snakemake runs the jobs side by side), and on every x86-64 processor
# the kernels of one of 2013, since OpenBLAS and numpy would otherwise choose by processor and round differently. Whatever
# the shell says: a result may not depend on it.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
if platform.machine() in ("x86_64", "AMD64"):
    os.environ["OPENBLAS_CORETYPE"] = "Haswell"
    os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4 AVX512_ICL AVX512_SPR"

from synthesis.run.disk import remove_outdated

remove_outdated(SCRIPTS.rglob("*.py"))
