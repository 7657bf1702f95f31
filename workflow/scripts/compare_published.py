"""Set published pools beside ours."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.pools.published import compare_published_file

    compare_published_file(
        snakemake.input.published,
        dict(zip(snakemake.params.analyses, snakemake.input.rows, strict=True)),
        dict(zip(snakemake.params.analyses, snakemake.input.estimates, strict=True)),
        dict(zip(snakemake.params.timed, snakemake.input.rates, strict=True)),
        snakemake.output.published,
        pairs=snakemake.params.pairs,
        model=snakemake.params.model,
        unit=snakemake.params.unit,
    )
