"""Say what this version changes against the last release."""

from synthesis.changes.story import compare_release_file

compare_release_file(
    snakemake.input.before,
    snakemake.input.after,
    snakemake.output.changes,
    snakemake.output.table,
    before_root=snakemake.params.root,
    release=snakemake.params.release,
    version=snakemake.params.version,
    choices=snakemake.params.choices,
    names=snakemake.params.names,
    limits=snakemake.params.limits,
)
