"""Pool the rows of every analysis in R."""

import subprocess

from synthesis.run.seals import sealed

with sealed(snakemake):
    put, out = snakemake.input, snakemake.output
    command = ["Rscript", put.scripts[0], out.reference, str(snakemake.params.level), *put.rows]
    with open(out.software, "w") as software, open(snakemake.log[0], "w") as log:
        subprocess.run(command, stdout=software, stderr=log, check=True)
