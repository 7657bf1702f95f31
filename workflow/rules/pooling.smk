# In:  results/<analysis>/rows.csv; the sheets behind it once more, for what rows do not hold: rows other choices would
#      pool, judgements of risk of bias, characteristics (ancient() with a digest and a stamp, as in sheets.smk)
# Out: results/<analysis>/
#      estimates.csv, contrasts.csv (pooled incidence, all studies and subgroups; level against level), reproduce.R;
#      fits.csv, effects.csv (details of the primary fit); influence.csv, subsets.csv, bootstrap.csv (other studies in it);
#      small_study.csv (Egger, Peters: at ten studies and more); future.csv (a new centre, its next patients, one more study);
#      multiverse.csv, multiverse_summary.csv (the specification curve);
#      regression.csv, moderators.csv, crosstab.csv (properties of studies, and which go together)
# One job an analysis: its steps need the same rows and the same libraries, whose imports cost more than the fits.


def crosstab_variables(wildcards):
    """Name what is set against what: the first variable an analysis is split by, then all other properties of arms."""
    first = protocol.analyses[wildcards.analysis].subgroups[:1]
    if not first:
        return {}
    others = ["product", *protocol.attributes, *protocol.analyses[wildcards.analysis].subgroups]
    return {variable: list(protocol.levels(variable)) for variable in dict.fromkeys([*first, *others])}


def pooling_digest(analysis):
    """Give a digest of all that an analysis uses in its sheets: rows, judgements of risk of bias, characteristics."""
    used = [index.digest(analysis)]
    for sheet in (index.sheets[path] for path in index.feeds(analysis)):
        judged = sheet.risk_of_bias and sheet.risk_of_bias.model_dump(mode="json")
        used.append([sheet.id, judged, [fact.model_dump(mode="json") for fact in sheet.characteristics]])
    return digest_of(used)


# Stamps are written now and not when a job asks: Snakemake lists a folder once, at the first file it looks for in it,
# and holds a stamp that is written later for missing.
POOLING_DIGESTS = {name: pooling_digest(name) for name in ANALYSES}
POOLING_STAMPS = {name: stamp(f"{name}.pooling", digest) for name, digest in POOLING_DIGESTS.items()}


rule resample_studies:
    """Fit a share of the subsets and bootstrap samples of an analysis; by default `pool_analysis` does it all."""
    input:
        rows=rules.select_rows.output.rows,
        library=library("resample_studies.py"),
    output:
        temp("logs/resample_studies/{analysis}/{chunk}_of_{chunks}.csv"),
    log:
        "logs/resample_studies/{analysis}/{chunk}_of_{chunks}.log",
    threads: 1
    params:
        level=protocol.models.level,
        settings=protocol.sensitivity.model_dump(mode="json"),
    script:
        "../scripts/resample_studies.py"


rule pool_analysis:
    """Pool one analysis with every model of the config, and look at the pool from all sides."""
    input:
        rows=rules.select_rows.output.rows,
        parts=(
            expand(
                rules.resample_studies.output,
                chunk=range(1, protocol.sensitivity.chunks + 1),
                chunks=protocol.sensitivity.chunks,
                allow_missing=True,
            )
            if protocol.sensitivity.chunks > 1
            else []
        ),
        sheets=lambda wildcards: ancient(index.feeds(wildcards.analysis)),
        digest=lambda wildcards: POOLING_STAMPS[wildcards.analysis],
        library=library("pool_analysis.py"),
    output:
        estimates="results/{analysis}/estimates.csv",
        contrasts="results/{analysis}/contrasts.csv",
        reproduction="results/{analysis}/reproduce.R",
        fits="results/{analysis}/fits.csv",
        effects="results/{analysis}/effects.csv",
        influence="results/{analysis}/influence.csv",
        subsets="results/{analysis}/subsets.csv",
        bootstrap="results/{analysis}/bootstrap.csv",
        small_study="results/{analysis}/small_study.csv",
        future="results/{analysis}/future.csv",
        multiverse="results/{analysis}/multiverse.csv",
        multiverse_summary="results/{analysis}/multiverse_summary.csv",
        regression="results/{analysis}/regression.csv",
        moderators="results/{analysis}/moderators.csv",
        crosstab="results/{analysis}/crosstab.csv",
    log:
        "logs/pool_analysis/{analysis}.log",
    threads: 1
    params:
        level=protocol.models.level,
        pooling=lambda wildcards: {
            "models": list(dict.fromkeys([protocol.models.primary, *protocol.models.sensitivity])),
            "subgroup_models": list(dict.fromkeys([protocol.models.primary, *protocol.models.subgroups])),
            "contrasts": [
                contrast.model_dump()
                for contrast in protocol.contrasts
                if contrast.by in protocol.analyses[wildcards.analysis].subgroups
            ],
        },
        reproduction=lambda wildcards: {
            "label": protocol.analyses[wildcards.analysis].label,
            "primary": protocol.models.primary,
            "interval": protocol.models.study_interval,
        },
        sensitivity=protocol.sensitivity.model_dump(mode="json"),
        future=protocol.future.model_dump(mode="json"),
        multiverse=lambda wildcards: {
            "choices": protocol.analyses[wildcards.analysis].model_dump(mode="json"),
            "models": list(dict.fromkeys([protocol.models.primary, *protocol.multiverse.models])),
            "windows": protocol.multiverse.windows,
            "thresholds": protocol.future.thresholds,
            "ignored_items": protocol.multiverse.risk_of_bias_ignores,
        },
        regression=lambda wildcards: {
            "moderators": {
                name: protocol.moderators[name].model_dump(mode="json")
                for name in protocol.analyses[wildcards.analysis].moderators
            },
            "factors": {
                variable: {
                    "label": protocol.variable_label(variable),
                    "levels": list(protocol.levels(variable)),
                }
                for variable in protocol.analyses[wildcards.analysis].subgroups
            },
            "crosstab": crosstab_variables(wildcards),
            "settings": {
                "level": protocol.models.level,
                "permutations": protocol.sensitivity.permutations,
                "seed": protocol.sensitivity.seed,
            },
        },
        digest=lambda wildcards: POOLING_DIGESTS[wildcards.analysis],
    script:
        "../scripts/pool_analysis.py"
