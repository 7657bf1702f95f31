"""Write the data package."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.handover.archive import write_archive_file

    write_archive_file(
        list(snakemake.input.tables),
        snakemake.output[0],
        results=snakemake.params.results,
        review=snakemake.params.review,
        attributes=snakemake.params.attributes,
    )
