"""Write the data package."""

from synthesis.handover.archive import write_archive_file
from synthesis.run.seals import sealed

with sealed(snakemake):
    write_archive_file(
        list(snakemake.input.tables),
        snakemake.output[0],
        results=snakemake.params.results,
        review=snakemake.params.review,
        attributes=snakemake.params.attributes,
    )
