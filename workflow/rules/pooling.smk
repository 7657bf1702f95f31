# In:  the rows of an analysis, and the sheets behind them for what rows do not hold: rows other choices would pool,
#      judgements of risk of bias, characteristics. Both without their words, and written down by the Snakefile, not by
#      `select_rows`: the same rows stand in results/<analysis>/rows.csv, with all that people read beside them.
# Out: results/<analysis>/
#      estimates.csv, contrasts.csv (pooled incidence, all studies and subgroups; level against level);
#      fits.csv, effects.csv (details of the primary fit); influence.csv, subsets.csv, bootstrap.csv (other studies in it);
#      likelihoods.csv (what each study says of the mean and the heterogeneity: what a page pools any selection from);
#      small_study.csv (Egger, Peters: at ten studies and more); future.csv (a new study, its next patients, one more study);
#      multiverse.csv, multiverse_summary.csv (the specification curve);
#      regression.csv, moderators.csv, crosstab.csv (properties of studies, and which go together)
# One job an analysis: its steps need the same rows and the same libraries, whose imports cost more than the fits.


def models_and(others):
    """Name the primary model, and others after it."""
    return list(dict.fromkeys([protocol.models.primary, *others]))


def pooling_of(wildcards):
    """Give the models of an analysis, and which of its subgroups are compared."""
    split_by = protocol.analyses[wildcards.analysis].subgroups
    return {
        "models": models_and([*filter(None, [protocol.models.beside]), *protocol.models.sensitivity]),
        "subgroup_models": models_and(protocol.models.subgroups),
        "contrasts": [one.model_dump() for one in protocol.contrasts if one.by in split_by],
    }


def multiverse_of(wildcards):
    """Give the choices that the specification curve crosses."""
    return {
        "choices": choices_of(wildcards.analysis),
        "models": models_and(protocol.multiverse.models),
        "windows": protocol.multiverse.windows,
        "prior_scales": protocol.multiverse.prior_scales,
        "thresholds": protocol.future.thresholds,
        "ignored_items": protocol.multiverse.risk_of_bias_ignores,
    }


def regression_of(wildcards):
    """Give what may move an analysis, and what is set against what: its first split, then all properties of arms."""
    analysis = protocol.analyses[wildcards.analysis]
    crossed = [*analysis.subgroups[:1], *ATTRIBUTES, *analysis.subgroups] if analysis.subgroups else []
    return {
        "moderators": {
            name: protocol.moderators[name].model_dump(mode="json", exclude={"label"})
            for name in analysis.moderators
        },
        "factors": {variable: list(protocol.levels(variable)) for variable in analysis.subgroups},
        "crosstab": {variable: list(protocol.levels(variable)) for variable in dict.fromkeys(crossed)},
        "settings": {
            "level": protocol.models.level,
            "permutations": protocol.sensitivity.permutations,
            "seed": protocol.sensitivity.seed,
        },
    }


SENSITIVITY = CHOICES["sensitivity"] | {"primary": protocol.models.primary}


rule resample_studies:
    """Fit a share of the subsets and bootstrap samples of an analysis; by default `pool_analysis` does it all."""
    input:
        rows=lambda wildcards: ROWS_OF[wildcards.analysis],
    output:
        temp("logs/resample_studies/{analysis}/{chunk}_of_{chunks}.csv"),
    log:
        "logs/resample_studies/{analysis}/{chunk}_of_{chunks}.log",
    params:
        level=protocol.models.level,
        settings=SENSITIVITY,
    script:
        "../scripts/resample_studies.py"


rule pool_analysis:
    """Pool one analysis with every model of the config, and look at the pool from all sides."""
    input:
        rows=lambda wildcards: ROWS_OF[wildcards.analysis],
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
        sheets=lambda wildcards: FACTS_OF[wildcards.analysis],
    output:
        estimates="results/{analysis}/estimates.csv",
        contrasts="results/{analysis}/contrasts.csv",
        fits="results/{analysis}/fits.csv",
        effects="results/{analysis}/effects.csv",
        likelihoods="results/{analysis}/likelihoods.csv",
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
    params:
        level=protocol.models.level,
        pooling=pooling_of,
        sensitivity=SENSITIVITY,
        future=CHOICES["future"],
        multiverse=multiverse_of,
        regression=regression_of,
    script:
        "../scripts/pool_analysis.py"
