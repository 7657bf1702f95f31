"""Set every estimate beside R's."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.pools.crosscheck import compare_with_r_file

    compare_with_r_file(snakemake.input.estimates, snakemake.input.reference, snakemake.output[0])
