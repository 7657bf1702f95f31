"""Select the rows of one analysis."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.selection.rows import select_rows_file

    select_rows_file(
        snakemake.input.sheets,
        snakemake.output[0],
        analysis=snakemake.wildcards.analysis,
        choices=snakemake.params.choices,
        vocabulary=snakemake.params.vocabulary,
    )
