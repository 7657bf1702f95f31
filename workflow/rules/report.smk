# In:  the tables and SVG figures of all analyses and of the review; results/methods.md; results/changes.md; studies/grade.yaml
#      and studies/screening.csv when they are there, and results/operating_characteristics_summary.csv as it is when the
#      workflow is read
# Out: results/report.html (one self-contained page: it needs neither a network nor the files beside it)
# Stands after the rules whose files it reads.
PAGE_TEMPLATES = TEMPLATES / "report"
TEMPLATE_FILES = sorted(str(path) for path in PAGE_TEMPLATES.iterdir() if path.is_file())


def drawn(paths):
    """Keep the figures a page can hold."""
    return [path for path in paths if str(path).endswith(".svg")]


rule write_report:
    """Write results/report.html: every answer with its figures, its tables, and the source of each number."""
    input:
        tables=[
            *rules.collect_sheets.output,
            *expand(
                "results/{analysis}/{table}.csv",
                analysis=ANALYSES,
                table=[
                    "rows",
                    "estimates",
                    "likelihoods",
                    "influence",
                    "subsets",
                    "multiverse_summary",
                    "regression",
                    "future",
                ],
            ),
            *expand("results/{analysis}/rates.csv", analysis=protocol.rates.analyses),
            "results/contrasts.csv",
            "results/comparisons.csv",
            *PUBLISHED,
        ],
        figures=[
            *expand(drawn(rules.draw_forests.output), analysis=ANALYSES),
            *drawn(path for analysis in ANALYSES for path in charts_of(analysis)),
            *drawn(rules.draw_review.output),
            *drawn(rules.draw_trajectory.output),
        ],
        methods="results/methods.md",
        changes="results/changes.md",
        grade=GRADE,
        screening=SCREENING,
        simulated=SIMULATED,
        templates=TEMPLATE_FILES,
    output:
        report("results/report.html", caption="../report/page.rst", category="Report"),
    log:
        "logs/write_report.log",
    params:
        answers=answers(),
        choices=ALL_CHOICES,
        software={
            "Python": platform.python_version(),
            **versions(
                "jinja2", "matplotlib", "numpy", "pandas", "pydantic", "pymare", "scipy", "snakemake"
            ),
        },
        templates=str(PAGE_TEMPLATES),
    script:
        "../scripts/write_report.py"
