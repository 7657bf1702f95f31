"""Write the report."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.report.page import write_page_file

    texts = {name: snakemake.input.get(name) for name in ("methods", "changes", "grade", "screening", "simulated")}

    write_page_file(
        list(snakemake.input.tables),
        list(snakemake.input.figures),
        {name: found if isinstance(found, str) else next(iter(found or ()), "") for name, found in texts.items()},
        snakemake.output[0],
        choices=snakemake.params.choices,
        software=snakemake.params.software,
        templates=snakemake.params.templates,
    )
