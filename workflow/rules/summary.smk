# In:  results/<analysis>/*.csv; and results/operating_characteristics_summary.csv as it is when the workflow is read
# Out: results/estimates.csv (what continuous integration guards), results/contrasts.csv, results/README.md,
#      results/<analysis>/reproduce.R (the headline numbers again in R)
R_TEXTS = [
    *(str(SCRIPTS / name) for name in ("counts.R", "glmm.R", "bayes.R")),
    str(TEMPLATES / "reproduce.R.j2"),
]


rule gather_estimates:
    """Join the estimates and contrasts of all analyses; remove the folders of analyses that left the config."""
    input:
        estimates=expand(rules.pool_analysis.output.estimates, analysis=ANALYSES),
        contrasts=expand(rules.pool_analysis.output.contrasts, analysis=ANALYSES),
    output:
        estimates=report("results/estimates.csv", caption="../report/estimates.rst", category="Numbers"),
        contrasts="results/contrasts.csv",
    log:
        "logs/gather_estimates.log",
    params:
        answers=answers(),
        analyses=ANALYSES,
    script:
        "../scripts/gather_estimates.py"


rule write_summary:
    """Write results/README.md, the answers and each analysis with its figures and rows; and each analysis as R code."""
    input:
        estimates=rules.gather_estimates.output.estimates,
        contrasts=rules.gather_estimates.output.contrasts,
        rows=expand(rules.select_rows.output.rows, analysis=ANALYSES),
        simulated=SIMULATED,
        texts=R_TEXTS,
    output:
        page="results/README.md",
        reproductions=expand("results/{analysis}/reproduce.R", analysis=ANALYSES),
    log:
        "logs/write_summary.log",
    params:
        review=CHOICES["review"],
        analyses={
            name: analysis.model_dump(mode="json", include={"label", "note", "outcomes", "headline"})
            for name, analysis in protocol.analyses.items()
        },
        splits=variables(protocol.figures.forest_by),
        models=CHOICES["models"],
    script:
        "../scripts/write_summary.py"
