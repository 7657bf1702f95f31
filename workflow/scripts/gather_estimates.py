"""Join the estimates and contrasts of all analyses."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.pools.gathering import gather_estimates_file

    gather_estimates_file(
        snakemake.input.estimates,
        snakemake.input.contrasts,
        snakemake.output.estimates,
        snakemake.output.contrasts,
        analyses=snakemake.params.analyses,
    )
