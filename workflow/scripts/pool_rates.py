"""Pool one analysis per unit of time."""

from synthesis.rates import pool_rates_file
from synthesis.run.seals import sealed

with sealed(snakemake):
    pool_rates_file(
        snakemake.input.rows,
        snakemake.output.rates,
        snakemake.output.rows,
        analysis=snakemake.wildcards.analysis,
        days=snakemake.params.days,
        unit=snakemake.params.unit,
        level=snakemake.params.level,
    )
