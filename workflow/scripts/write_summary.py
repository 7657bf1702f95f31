"""Write the page of answers, and the R code of each analysis."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.pools.reproduce import write_reproduction_files
    from synthesis.report.summary import write_summary_file

    put, out, params = snakemake.input, snakemake.output, snakemake.params
    words = {"review": params.review, "analyses": params.analyses, "variables": params.splits, "models": params.models}
    write_summary_file(
        put.estimates, put.contrasts, put.rows, out.page, choices=words, simulated="".join(put.simulated)
    )
    labels = {name: analysis["label"] for name, analysis in params.analyses.items()}
    models = {"primary": "primary", "interval": "study_interval", "level": "level"}
    choices = {key: params.models[name] for key, name in models.items()}
    write_reproduction_files(put.rows, put.estimates, out.reproductions, labels=labels, **choices)
