"""Simulate one chunk of the reviews, and pool each with every model."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.variations.simulation import simulate_reviews_file

    simulate_reviews_file(
        snakemake.input.rows,
        snakemake.input.estimates,
        snakemake.output[0],
        settings=snakemake.params.settings,
        level=snakemake.params.level,
        chunk=int(snakemake.wildcards.chunk) - 1,
    )
