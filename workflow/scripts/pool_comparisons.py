"""Pool the 2×2 tables of all studies."""

from synthesis.comparisons import pool_comparisons_file

pool_comparisons_file(
    snakemake.input.comparisons,
    snakemake.input.arms,
    snakemake.input.studies,
    snakemake.output[0],
    level=snakemake.params.level,
)
