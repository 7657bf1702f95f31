"""Draw the figures of the whole review."""

from pathlib import Path

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.figures.review_charts import draw_review_file

    draw_review_file(
        {
            name: [found] if isinstance(found, str) else list(found)
            for name, found in snakemake.input.items()
            if name != "library"
        },
        Path(snakemake.output[0]).parent,
        names=snakemake.params.names,
        tools=snakemake.params.tools,
        precision=snakemake.params.precision,
        properties=snakemake.params.properties,
        review=snakemake.params.review,
        models=snakemake.params.models,
        figures=snakemake.params.figures,
    )
