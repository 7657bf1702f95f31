"""Draw the charts of one analysis beside its forest plots."""

from pathlib import Path

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.figures.charts import draw_charts_file

    draw_charts_file(
        {name: path for name, path in snakemake.input.items() if name != "library"},
        Path(snakemake.output[0]).parent,
        title=snakemake.params.title,
        note=snakemake.params.note,
        max_days=snakemake.params.max_days,
        outcomes=snakemake.params.outcomes,
        moderators=snakemake.params.moderators,
        review=snakemake.params.review,
        models=snakemake.params.models,
        figures=snakemake.params.figures,
    )
