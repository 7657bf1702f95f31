"""Pool one analysis, and look at the pool from all sides: its fit, other studies, other choices, what moves it."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.moderators.analysis import regress_analysis_file
    from synthesis.pools.fitting import detail_fit_file
    from synthesis.pools.future import predict_future_file
    from synthesis.pools.likelihoods import likelihoods_file
    from synthesis.pools.pooling import pool_analysis_file
    from synthesis.pools.small_study import small_study_file
    from synthesis.selection.arms import used_rows
    from synthesis.tables.pools import pooled_rows
    from synthesis.variations.multiverse import pool_multiverse_file
    from synthesis.variations.resampling import resample_file
    from synthesis.variations.sensitivity import leave_out_file

    sheets, out, params = snakemake.input.sheets, snakemake.output, snakemake.params
    used = used_rows(snakemake.input.rows)
    rows, parts = pooled_rows(used), list(snakemake.input.parts)
    analysis = {"analysis": snakemake.wildcards.analysis}
    about = analysis | {"level": params.level}
    led = about | {"primary": params.sensitivity["primary"]}

    pool_analysis_file(used, out.estimates, out.contrasts, **about, **params.pooling)
    detail_fit_file(rows, out.fits, out.effects, **led)
    likelihoods_file(rows, out.likelihoods, **about)
    leave_out_file(rows, out.influence, **led)
    resample_file(rows, out.subsets, out.bootstrap, **about, settings=params.sensitivity, parts=parts)
    small_study_file(rows, out.small_study, **analysis)
    predict_future_file(rows, out.future, **led, settings=params.future)
    pool_multiverse_file(sheets, out.multiverse, out.multiverse_summary, **about, **params.multiverse)
    regress_analysis_file(used, sheets, out.regression, out.moderators, out.crosstab, **analysis, **params.regression)
