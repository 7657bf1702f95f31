"""Look at the overall pool of one analysis from all sides: details of the fit, other studies in it, a new centre."""

from synthesis.fitting import detail_fit_file
from synthesis.future import predict_future_file
from synthesis.sensitivity import vary_studies_file
from synthesis.small_study import small_study_file

rows, out, analysis = snakemake.input.rows, snakemake.output, snakemake.wildcards.analysis
level, settings = snakemake.params.level, snakemake.params.settings
detail_fit_file(rows, out.fits, out.effects, analysis=analysis, level=level)
vary_studies_file(rows, out.influence, out.subsets, out.bootstrap, analysis=analysis, level=level, settings=settings)
small_study_file(rows, out.small_study, analysis=analysis)
predict_future_file(rows, out.future, analysis=analysis, settings=snakemake.params.future, level=level)
