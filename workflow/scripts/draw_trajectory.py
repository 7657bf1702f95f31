"""Draw each answer release by release."""

from pathlib import Path

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.figures.release_chart import draw_trajectory_file

    draw_trajectory_file(
        snakemake.input.trajectory,
        Path(snakemake.output[0]).with_suffix(""),
        review=snakemake.params.review,
        models=snakemake.params.models,
        figures=snakemake.params.figures,
    )
