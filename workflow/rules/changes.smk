# In:  the tables of all analyses; the same tables, the sheets and the config of the last commit and of earlier releases,
#      which git has
# Out: results/changes.md (this build against the last commit and the last release), results/changes.csv (against the
#      release), results/trajectory.csv and results/figures/trajectory.* (each answer, release by release)
# What git has is unpacked while the rules are read, and is an input like any other; its folder is named after what it
# holds, so a commit of other files makes nothing stale. The page is committed with what it tells of, and a build after
# that commit finds nothing that differs: it then writes the page as it is committed. The last release is the one with a
# lower version, so that the tag of this version changes nothing either.
from synthesis.releases.history import COMPARED, FOLLOWED, NOTHING, PAGE, releases_before, unpack, unpack_last
from synthesis.releases.changes_page import limits_of, names_of, state_line
from synthesis.releases.snapshot import Snapshot
from synthesis.review.index import digest

STORE = ".snakemake/releases"
RELEASES = releases_before(protocol.review.version)
EARLIER = [unpack(release, STORE, FOLLOWED) for release in RELEASES]
FILES = [path for release in EARLIER for path in release["files"]]
COMMITTED = unpack_last(STORE, COMPARED)
RELEASED = unpack(RELEASES[-1], STORE, COMPARED) if RELEASES else {"version": "", **NOTHING}
SETTINGS = Snapshot("", {"config.yaml": Path("config.yaml")}).choices()
STATE = digest([as_text(index.sheets.values()), SETTINGS])


def page_at_hand():
    """Give the page that came with this folder, where there is no commit to compare with and it is of this state."""
    if COMMITTED["files"] or not Path(PAGE).is_file():
        return ""
    text = Path(PAGE).read_text(encoding="utf-8", errors="replace")
    return text if text.endswith(state_line(STATE)) else ""


rule tell_changes:
    """Say what this build changes against the last commit and the last release: data, estimates, conclusions, and why."""
    input:
        before=COMMITTED["files"],
        release=RELEASED["files"],
        after=[
            *rules.collect_sheets.output,
            *expand("results/{analysis}/{table}.csv", analysis=ANALYSES, table=["rows", "subsets"]),
            "results/estimates.csv",
            "results/contrasts.csv",
            "results/comparisons.csv",
        ],
        grade=GRADE,
    output:
        changes=PAGE,
        table="results/changes.csv",
    log:
        "logs/tell_changes.log",
    params:
        before=COMMITTED,
        release=RELEASED,
        kept=page_at_hand(),
        state=STATE,
        choices=SETTINGS,
        names=names_of(protocol),
        limits=limits_of(protocol),
    script:
        "../scripts/tell_changes.py"


rule follow_releases:
    """Put the answers of every release and of this version in one table."""
    input:
        earlier=FILES,
        present=["results/estimates.csv", "results/data/studies.csv"],
    output:
        "results/trajectory.csv",
    log:
        "logs/follow_releases.log",
    params:
        releases=EARLIER,
        version=protocol.review.version,
        last_search=protocol.review.last_search,
        analyses=labels(protocol.analyses),
        model=protocol.models.primary,
    script:
        "../scripts/follow_releases.py"


rule draw_trajectory:
    """Draw each answer release by release."""
    input:
        trajectory="results/trajectory.csv",
    output:
        expand("results/figures/trajectory.{format}", format=FORMATS),
    log:
        "logs/draw_trajectory.log",
    params:
        review=EDITION,
        models=CHOICES["models"],
        figures=CHOICES["figures"],
    script:
        "../scripts/draw_trajectory.py"
