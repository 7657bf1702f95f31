"""Write the Word document."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.handover.document import write_document_file

    write_document_file(
        list(snakemake.input.tables),
        list(snakemake.input.figures),
        snakemake.output[0],
        choices=snakemake.params.choices,
        methods=snakemake.input.methods,
        grade="".join(snakemake.input.grade),  # a path, or a list without one
    )
