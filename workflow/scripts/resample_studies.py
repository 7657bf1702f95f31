"""Fit a share of the subsets and bootstrap samples of one analysis."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.selection.arms import used_rows
    from synthesis.tables.pools import pooled_rows
    from synthesis.variations.resampling import resample_part_file

    resample_part_file(
        pooled_rows(used_rows(snakemake.input.rows)),
        snakemake.output[0],
        level=snakemake.params.level,
        settings=snakemake.params.settings,
        chunk=int(snakemake.wildcards.chunk),
        chunks=int(snakemake.wildcards.chunks),
    )
