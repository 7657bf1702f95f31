"""Write the workbook."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.handover.results_workbook import write_workbook_file

    write_workbook_file(
        list(snakemake.input.tables),
        dict(zip(snakemake.params.requested, snakemake.input.requested, strict=True)),
        snakemake.output[0],
        review=snakemake.params.review,
        attributes=snakemake.params.attributes,
    )
