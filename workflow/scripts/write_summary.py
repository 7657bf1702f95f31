"""Write the page of answers, and the R code of each analysis."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.pools.reproduce import write_reproduction_file
    from synthesis.report.summary import write_summary_file

    put, out, params = snakemake.input, snakemake.output, snakemake.params
    words = {"review": params.review, "analyses": params.analyses, "variables": params.splits, "models": params.models}
    write_summary_file(put.estimates, put.contrasts, put.rows, out.page, choices=words)
    models = {"primary": "primary", "interval": "study_interval", "level": "level"}
    choices = {key: params.models[name] for key, name in models.items()}
    for (name, analysis), rows, script in zip(params.analyses.items(), put.rows, out.reproductions, strict=True):
        write_reproduction_file(rows, put.estimates, script, analysis=name, label=analysis["label"], **choices)
