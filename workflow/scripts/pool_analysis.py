"""Pool one analysis, and look at the pool from all sides: its fit, other studies, other choices, what moves it."""

from synthesis.run.seals import sealed

with sealed(snakemake):
    from synthesis.moderators.analysis import regress_analysis_file
    from synthesis.pools.fitting import detail_fit_file
    from synthesis.pools.future import predict_future_file
    from synthesis.pools.pooling import pool_analysis_file
    from synthesis.pools.small_study import small_study_file
    from synthesis.variations.multiverse import pool_multiverse_file
    from synthesis.variations.resampling import resample_file
    from synthesis.variations.sensitivity import leave_out_file

    rows, sheets, out, params = snakemake.input.rows, snakemake.input.sheets, snakemake.output, snakemake.params
    parts = list(snakemake.input.parts)
    about = {"analysis": snakemake.wildcards.analysis, "level": params.level}
    analysis = {"analysis": snakemake.wildcards.analysis}

    pool_analysis_file(rows, out.estimates, out.contrasts, **about, **params.pooling)
    detail_fit_file(rows, out.fits, out.effects, **about)
    leave_out_file(rows, out.influence, **about, primary=params.sensitivity["primary"])
    resample_file(rows, out.subsets, out.bootstrap, **about, settings=params.sensitivity, parts=parts)
    small_study_file(rows, out.small_study, **analysis)
    predict_future_file(rows, out.future, **about, settings=params.future)
    pool_multiverse_file(sheets, out.multiverse, out.multiverse_summary, **about, **params.multiverse)
    regress_analysis_file(rows, sheets, out.regression, out.moderators, out.crosstab, **analysis, **params.regression)
