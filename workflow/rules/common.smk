# In:  config.yaml and studies/, all read and checked here
# Out: what the rules share: `protocol` and `index`, the names that files are called by, and stamps: what jobs are handed
import json
from importlib.metadata import version

from synthesis.handover.captions import Answers
from synthesis.protocol.config import STUDY_VARIABLES
from synthesis.review.index import is_stamp, read_index, write_stamp
from synthesis.run.record import STAMPS, look_after_alone
from synthesis.run.seals import digest_text
from synthesis.sheets.facts import as_text
from synthesis.tables.problems import ProblemsError

# What `make` has done already. A job of a cluster reads the rules too, and must not.
if workflow.is_main_process:
    look_after_alone(logger.info)

# Every problem of every sheet is found here, before any job, so nothing is built on a bad sheet.
try:
    index = read_index("config.yaml", "studies")
except ProblemsError as error:
    raise WorkflowError(f"\n{error}") from None

protocol = index.protocol
ANALYSES = list(protocol.analyses)
FORESTS = [
    "forest",
    *(f"forest_{variable}" for variable in protocol.figures.forest_by),
    "forest_risk_of_bias",
]
FORMATS = protocol.figures.formats
# A review need not keep these: judgements of certainty, the list of reports that were looked at, published pools.
GRADE = [path for path in ("studies/grade.yaml",) if Path(path).is_file()]
SCREENING = [path for path in ("studies/screening.csv",) if Path(path).is_file()]
PUBLISHED = ["results/published.csv"] if protocol.published else []
ATTRIBUTES = ["product", *protocol.attributes]
CHOICES = protocol.model_dump(mode="json")  # the config as jobs are handed it
EDITION = {  # what stands below a figure
    "unit": protocol.review.unit,
    "version": protocol.review.version,
    "search": protocol.review.last_search,
}
DIGESTS = {}  # path of a file that no job makes → its digest when the rules were read


def stamp(name, text):
    """Write down what jobs are handed, where Snakemake keeps its records, so that both are lost together."""
    path = str(STAMPS / name)
    DIGESTS[path] = digest_text(text)
    if workflow.is_main_process:
        write_stamp(STAMPS, name, text)
    elif not is_stamp(path, text):  # a job of a cluster, which has read the sheets and the config again
        raise WorkflowError(
            "The sheets, the config or the engine changed while the build ran. Run the build again."
        )
    return path


def label_of(wildcards):
    """Give what the analysis is called that is built."""
    return protocol.analyses[wildcards.analysis].label


def note_of(wildcards):
    """Give the note on the analysis that is built."""
    return protocol.analyses[wildcards.analysis].note or ""


def labels(terms):
    """Give what each analysis, or each outcome, is called."""
    return {name: term.label for name, term in terms.items()}


def variables(names):
    """Give the properties that studies are split by: what each is called, and its levels."""
    return {name: {"label": protocol.variable_label(name), "levels": protocol.levels(name)} for name in names}


# What is built on request only. As an input it would be brought up to date by every build: a new study would call for R
# and for the simulations. So the input is a copy of it as it is when the workflow is read, kept as a stamp (see `stamp`):
# when it was built, changed or removed, the next build writes the pages that tell of it again, and nothing else runs.
# Whatever the order of the builds they end the same; the page of methods says so where such a table is older than the
# estimates, or was written by another version of the workflow.
REQUESTED = {
    "crosscheck": "results/crosscheck.csv",
    "characteristics": "results/operating_characteristics.csv",
    "characteristics_summary": "results/operating_characteristics_summary.csv",
}
COPIES = {}
for name, path in REQUESTED.items():
    copied = STAMPS / f"requested.{name}"
    # A job of a cluster keeps to the copy: the table itself may be written by another job of its build.
    source = Path(path) if workflow.is_main_process else copied
    if source.is_file():
        COPIES[name] = stamp(copied.name, source.read_text(encoding="utf-8", errors="replace"))
    else:
        copied.unlink(missing_ok=True)
# One table, or none, for the sentence beside each answer.
SIMULATED = [COPIES["characteristics_summary"]] if "characteristics_summary" in COPIES else []


# For pages that tell of everything.
ALL_CHOICES = {
    **CHOICES,
    "variables": variables(["product", *STUDY_VARIABLES, *protocol.attributes]),
}


def versions(*packages):
    """Give the versions of packages, for pages that say what computed them."""
    return {name: version(name) for name in packages}


def answers(*analyses):
    """Give the answers for a caption of `snakemake --report`; they are read when it is printed, not before."""
    path = f"results/{analyses[0]}/estimates.csv" if analyses else "results/estimates.csv"
    asked = {name: CHOICES["analyses"][name] for name in analyses or ANALYSES}
    return Answers(path, CHOICES["review"], CHOICES["models"], asked)


wildcard_constraints:
    analysis="|".join(ANALYSES),
    chunk="[0-9]+",
    chunks="[0-9]+",
