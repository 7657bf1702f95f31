"""Write the page of methods."""

from synthesis.methods import write_methods_file

NOT_TABLES = ("library", "digest")

write_methods_file(
    {
        name: [paths] if isinstance(paths, str) else list(paths)
        for name, paths in snakemake.input.items()
        if name not in NOT_TABLES
    },
    snakemake.output[0],
    choices=snakemake.params.choices,
    software=snakemake.params.software,
    requested=snakemake.params.requested,
)
