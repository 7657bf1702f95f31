"""Write the R script that reproduces an analysis."""

from synthesis.reproduce import write_reproduction_file

write_reproduction_file(
    snakemake.input.rows,
    snakemake.input.estimates,
    snakemake.output[0],
    analysis=snakemake.wildcards.analysis,
    **snakemake.params.choices,
)
