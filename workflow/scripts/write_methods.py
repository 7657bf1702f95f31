"""Write the page of methods."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.methods.text import write_methods_file

    named = ((name, paths) for name, paths in snakemake.input.items() if name != "library")

    write_methods_file(
        {name: [paths] if isinstance(paths, str) else list(paths) for name, paths in named},
        snakemake.output[0],
        choices=snakemake.params.choices,
        software=snakemake.params.software,
    )
