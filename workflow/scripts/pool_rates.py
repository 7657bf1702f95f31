"""Pool one analysis per unit of time."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.pools.rates import pool_rates_file

    pool_rates_file(
        snakemake.input.rows,
        snakemake.output.rates,
        snakemake.output.rows,
        analysis=snakemake.wildcards.analysis,
        days=snakemake.params.days,
        unit=snakemake.params.unit,
        level=snakemake.params.level,
    )
