"""Pool an analysis again with studies left out, added one by one, in every subset, and by bootstrap."""

from synthesis.sensitivity import vary_studies_file

vary_studies_file(
    snakemake.input.rows,
    snakemake.output.influence,
    snakemake.output.subsets,
    snakemake.output.bootstrap,
    analysis=snakemake.wildcards.analysis,
    level=snakemake.params.level,
    settings=snakemake.params.settings,
)
