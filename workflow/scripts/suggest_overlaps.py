"""List sheets that may share patients."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.review.overlap import suggest_overlaps_file

    suggest_overlaps_file(
        snakemake.input.studies,
        snakemake.input.arms,
        snakemake.input.rows,
        snakemake.output[0],
        attributes=snakemake.params.attributes,
    )
