# In:  the tables of all analyses; the same tables of earlier releases, which git has under their tags
# Out: results/changes.md and changes.csv (this version against the last release), results/trajectory.csv and
#      results/figures/trajectory.* (each answer, release by release)
# A version is compared with the release before it, never with the last commit: then neither a commit of results nor the
# tag of this version makes the page stale. A tag never moves, so what it holds is unpacked once, while the rules are
# read, and is an input like any other. What a working copy changes against a commit: `python -m synthesis.changes`.
from synthesis.changes.history import COMPARED, FOLLOWED, releases_before, unpack
from synthesis.changes.page import limits_of, names_of
from synthesis.changes.snapshot import Snapshot

STORE = ".snakemake/releases"
RELEASES = releases_before(protocol.review.version)
EARLIER = [
    {
        "version": release.version,
        "date": release.date,
        "root": f"{STORE}/{release.commit[:12]}",
        "files": unpack(release, STORE, FOLLOWED),
    }
    for release in RELEASES
]
BEFORE = unpack(RELEASES[-1], STORE, COMPARED) if RELEASES else []


rule compare_release:
    """Say what this version changes against the last release: data, estimates, conclusions, and which sheet moved what."""
    input:
        before=BEFORE,
        after=[
            *rules.collect_sheets.output,
            *expand("results/{analysis}/{table}.csv", analysis=ANALYSES, table=["rows", "subsets"]),
            "results/estimates.csv",
            "results/contrasts.csv",
            "results/comparisons.csv",
        ],
        library=library("compare_release.py"),
    output:
        changes="results/changes.md",
        table="results/changes.csv",
    log:
        "logs/compare_release.log",
    params:
        root=EARLIER[-1]["root"] if BEFORE else "",
        release=EARLIER[-1]["version"] if BEFORE else "",
        version=protocol.review.version,
        choices=Snapshot("", {"config.yaml": Path("config.yaml")}).choices() if BEFORE else {},
        names=names_of(protocol),
        limits=limits_of(protocol),
    script:
        "../scripts/compare_release.py"


rule follow_releases:
    """Put the answers of every release and of this version in one table."""
    input:
        earlier=[path for release in EARLIER for path in release["files"]],
        present=["results/estimates.csv", "results/data/studies.csv"],
        library=library("follow_releases.py"),
    output:
        "results/trajectory.csv",
    log:
        "logs/follow_releases.log",
    params:
        releases=EARLIER,
        version=protocol.review.version,
        last_search=protocol.review.last_search,
        analyses={name: analysis.label for name, analysis in protocol.analyses.items()},
        model=protocol.models.primary,
    script:
        "../scripts/follow_releases.py"


rule draw_trajectory:
    """Draw each answer release by release."""
    input:
        trajectory="results/trajectory.csv",
        library=library("draw_trajectory.py"),
    output:
        expand("results/figures/trajectory.{format}", format=FORMATS),
    log:
        "logs/draw_trajectory.log",
    params:
        review={
            "unit": protocol.review.unit,
            "version": protocol.review.version,
            "search": protocol.review.last_search,
        },
        models=protocol.models.model_dump(mode="json"),
        figures=protocol.figures.model_dump(mode="json"),
    script:
        "../scripts/draw_trajectory.py"
