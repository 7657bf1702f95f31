"""Draw the forest plots of one analysis."""

from pathlib import Path

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.figures.forest.forests import draw_forests_file

    draw_forests_file(
        snakemake.input.rows,
        snakemake.input.estimates,
        Path(snakemake.output[0]).parent,
        title=snakemake.params.title,
        note=snakemake.params.note,
        parts=snakemake.params.parts,
        splits=snakemake.params.splits,
        judgements=snakemake.params.appraisal["judgements"],
        overlaps=snakemake.params.appraisal["overlaps"],
        tools=snakemake.params.tools,
        review=snakemake.params.review,
        models=snakemake.params.models,
        figures=snakemake.params.figures,
    )
