"""Pool the 2×2 tables of all studies."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.risk_factors.comparisons import pool_comparisons_file

    pool_comparisons_file(snakemake.input.sheets, snakemake.output[0], level=snakemake.params.level)
