"""Regress one analysis on the properties of its studies."""

from synthesis.moderators import regress_analysis_file

regress_analysis_file(
    snakemake.input.rows,
    snakemake.input.sheets,
    snakemake.output.regression,
    snakemake.output.moderators,
    snakemake.output.crosstab,
    analysis=snakemake.wildcards.analysis,
    moderators=snakemake.params.moderators,
    factors=snakemake.params.factors,
    crosstab=snakemake.params.crosstab,
    settings=snakemake.params.settings,
)
