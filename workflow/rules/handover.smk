# In:  the tables of all analyses and of the sheets; the forest plots as PNG; results/methods.md; studies/grade.yaml when
#      it is there; and results/crosscheck.csv, results/operating_characteristics*.csv as they are when the workflow is read
# Out: results/report.docx, results/tables.xlsx, results/data.zip, results/references.bib and .ris,
#      results/risk_of_bias_robvis.csv: what leaves the project for a manuscript, another program or an archive
# Stands after the rules whose files it reads.
HANDED = {
    "review": CHOICES["review"],
    "attributes": {name: protocol.variable_label(name) for name in ATTRIBUTES},
}
PER_ANALYSIS = [  # tables that every analysis has, in the order of the workbook's tabs
    "rows",
    "fits",
    "effects",
    "influence",
    "subsets",
    "bootstrap",
    "small_study",
    "multiverse",
    "multiverse_summary",
    "regression",
    "moderators",
    "crosstab",
    "future",
]


rule write_document:
    """Write results/report.docx: the answers, their certainty, the forest plots and the studies, for a manuscript."""
    input:
        tables=[
            *rules.collect_sheets.output,
            *expand("results/{analysis}/{table}.csv", analysis=ANALYSES, table=["rows", "estimates"]),
            *expand("results/{analysis}/rates.csv", analysis=protocol.rates.analyses),
            "results/contrasts.csv",
            "results/comparisons.csv",
            *PUBLISHED,
        ],
        figures=expand("results/{analysis}/forest.png", analysis=ANALYSES) if "png" in FORMATS else [],
        methods="results/methods.md",
        grade=GRADE,
    output:
        "results/report.docx",
    log:
        "logs/write_document.log",
    params:
        choices=ALL_CHOICES,
    script:
        "../scripts/write_document.py"


rule write_workbook:
    """Write results/tables.xlsx: every table on a tab of its own, and a codebook."""
    input:
        tables=[
            "results/estimates.csv",
            "results/contrasts.csv",
            "results/comparisons.csv",
            *PUBLISHED,
            *(f"results/{analysis}/{table}.csv" for table in PER_ANALYSIS for analysis in ANALYSES),
            *(
                f"results/{analysis}/{table}.csv"
                for table in ("rates", "rate_rows")
                for analysis in protocol.rates.analyses
            ),
            "results/overlaps.csv",
            "results/changes.csv",
            "results/trajectory.csv",
            *rules.collect_sheets.output,
        ],
        requested=list(COPIES.values()),
    output:
        "results/tables.xlsx",
    log:
        "logs/write_workbook.log",
    params:
        **HANDED,
        requested=[Path(REQUESTED[name]).stem for name in COPIES],
    script:
        "../scripts/write_workbook.py"


rule write_archive:
    """Write results/data.zip: the sheets and the pooled numbers as tidy CSV with a Frictionless data package."""
    input:
        tables=[
            *rules.collect_sheets.output,
            *expand("results/{analysis}/{table}.csv", analysis=ANALYSES, table=["rows", "estimates"]),
            "results/estimates.csv",
        ],
    output:
        "results/data.zip",
    log:
        "logs/write_archive.log",
    params:
        **HANDED,
        results="results",
    script:
        "../scripts/write_archive.py"


rule write_references:
    """Write the reports as BibTeX and RIS, and the judgements of risk of bias as robvis reads them."""
    input:
        studies="results/data/studies.csv",
        risk_of_bias="results/data/risk_of_bias.csv",
    output:
        bibtex="results/references.bib",
        ris="results/references.ris",
        robvis="results/risk_of_bias_robvis.csv",
    log:
        "logs/write_references.log",
    params:
        tools={tool: list(items) for tool, items in protocol.questions_of_bias.items()},
    script:
        "../scripts/write_references.py"
