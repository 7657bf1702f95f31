"""Pool every specification of one analysis."""

from synthesis.multiverse import pool_multiverse_file

pool_multiverse_file(
    snakemake.input.sheets,
    snakemake.output.multiverse,
    snakemake.output.summary,
    analysis=snakemake.wildcards.analysis,
    choices=snakemake.params.choices,
    models=snakemake.params.models,
    windows=snakemake.params.windows,
    level=snakemake.params.level,
    thresholds=snakemake.params.thresholds,
    ignored_items=snakemake.params.ignored_items,
)
