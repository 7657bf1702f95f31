"""Write all sheets as tidy tables."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.sheets.collect import collect_sheets_file

    collect_sheets_file(snakemake.input.sheets, snakemake.params.folder, attributes=snakemake.params.attributes)
