"""Fail where an estimate differs from R's."""

from synthesis.crosscheck import crosscheck_file

crosscheck_file(snakemake.input.compared, snakemake.input.software)
