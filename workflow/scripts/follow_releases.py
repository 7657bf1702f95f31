"""Put the answers of every release and of this version in one table."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.releases.trajectory import follow_releases_file

    follow_releases_file(
        snakemake.params.releases,
        snakemake.input.present,
        snakemake.output[0],
        version=snakemake.params.version,
        last_search=snakemake.params.last_search,
        analyses=snakemake.params.analyses,
        model=snakemake.params.model,
    )
