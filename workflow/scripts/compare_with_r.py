"""Compare every estimate with R's."""

from synthesis.crosscheck import crosscheck_file

crosscheck_file(snakemake.input.estimates, snakemake.input.reference, snakemake.input.software, snakemake.output[0])
