"""Fail where an estimate differs from R's."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.pools.crosscheck import crosscheck_file

    crosscheck_file(snakemake.input.compared[0], snakemake.input.software)
