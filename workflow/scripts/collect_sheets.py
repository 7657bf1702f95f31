"""Write all sheets as tidy tables."""

from synthesis.run.seals import sealed
from synthesis.tables import collect_sheets_file

with sealed(snakemake):
    collect_sheets_file(snakemake.input.sheets, snakemake.params.folder, attributes=snakemake.params.attributes)
