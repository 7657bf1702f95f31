"""Write the references, and the judgements of risk of bias for robvis."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.handover.citations import write_references_file
    from synthesis.handover.robvis import write_robvis_file

    write_references_file(snakemake.input.studies, snakemake.output.bibtex, snakemake.output.ris)
    write_robvis_file(
        snakemake.input.risk_of_bias, snakemake.input.studies, snakemake.output.robvis, tools=snakemake.params.tools
    )
