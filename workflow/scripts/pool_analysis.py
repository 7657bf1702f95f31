"""Pool one analysis."""

from synthesis.pooling import pool_analysis_file

pool_analysis_file(
    snakemake.input.rows,
    snakemake.output.estimates,
    snakemake.output.contrasts,
    analysis=snakemake.wildcards.analysis,
    models=snakemake.params.models,
    subgroup_models=snakemake.params.subgroup_models,
    level=snakemake.params.level,
    contrasts=snakemake.params.contrasts,
)
