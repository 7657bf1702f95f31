"""Predict a new centre, its next patients, and what one more study would tell."""

from synthesis.future import predict_future_file

predict_future_file(
    snakemake.input.rows,
    snakemake.output.future,
    analysis=snakemake.wildcards.analysis,
    settings=snakemake.params.settings,
    level=snakemake.params.level,
)
