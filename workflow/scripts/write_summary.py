"""Write the page of answers."""

from synthesis.summary import Names, write_summary_file

write_summary_file(
    snakemake.input.estimates,
    snakemake.input.contrasts,
    snakemake.input.rows,
    snakemake.output[0],
    names=Names(snakemake.params.review, snakemake.params.analyses, snakemake.params.splits, snakemake.params.models),
)
