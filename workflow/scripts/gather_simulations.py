"""Turn the simulated reviews of all chunks into operating characteristics, and summarise them."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.variations.simulation import gather_simulations_file

    gather_simulations_file(
        snakemake.input.chunks,
        snakemake.input.rows,
        snakemake.input.estimates,
        [snakemake.output.table, snakemake.output.summary],
        settings=snakemake.params.settings,
        level=snakemake.params.level,
    )
