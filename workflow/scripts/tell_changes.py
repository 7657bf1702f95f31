"""Say what this build changes against the last commit and the last release."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.releases.telling import tell_changes_file

    tell_changes_file(
        snakemake.params.before,
        snakemake.params.release,
        [*snakemake.input.after, *snakemake.input.grade],
        snakemake.output.changes,
        snakemake.output.table,
        kept=snakemake.params.kept,
        state=snakemake.params.state,
        choices=snakemake.params.choices,
        names=snakemake.params.names,
        limits=snakemake.params.limits,
    )
