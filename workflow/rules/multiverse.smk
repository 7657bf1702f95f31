# In:  studies/*.yaml (a second selection from the sheets: rows.csv holds only what the config's own choices pool)
# Out: results/<analysis>/multiverse.csv (one row a specification), multiverse_summary.csv (one row)
# Sheets are ancient() with a digest and a stamp, as in sheets.smk; risk of bias counts here and not there.


def multiverse_digest(analysis):
    """Give a digest of what an analysis uses in its sheets, with the judgements of risk of bias."""
    judged = [index.sheets[path].risk_of_bias for path in index.feeds(analysis)]
    return digest_of([index.digest(analysis), *(tool and tool.model_dump(mode="json") for tool in judged)])


# Stamps are written now and not when a job asks: Snakemake lists a folder once, at the first file it looks for in it,
# and holds a stamp that is written later for missing.
MULTIVERSE_DIGESTS = {name: multiverse_digest(name) for name in ANALYSES}
MULTIVERSE_STAMPS = {name: stamp(f"{name}.multiverse", digest) for name, digest in MULTIVERSE_DIGESTS.items()}


rule pool_multiverse:
    """Pool an analysis under every combination of defensible choices of rows and model: the specification curve."""
    input:
        sheets=lambda wildcards: ancient(index.feeds(wildcards.analysis)),
        digest=lambda wildcards: MULTIVERSE_STAMPS[wildcards.analysis],
        library=library("pool_multiverse.py"),
    output:
        multiverse="results/{analysis}/multiverse.csv",
        summary="results/{analysis}/multiverse_summary.csv",
    log:
        "logs/pool_multiverse/{analysis}.log",
    threads: 1
    params:
        choices=lambda wildcards: protocol.analyses[wildcards.analysis].model_dump(mode="json"),
        models=list(dict.fromkeys([protocol.models.primary, *protocol.multiverse.models])),
        windows=protocol.multiverse.windows,
        level=protocol.models.level,
        thresholds=protocol.future.thresholds,
        ignored_items=protocol.multiverse.risk_of_bias_ignores,
        digest=lambda wildcards: MULTIVERSE_DIGESTS[wildcards.analysis],
    script:
        "../scripts/pool_multiverse.py"
