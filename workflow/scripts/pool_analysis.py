"""Pool one analysis, and write the R script that does it again."""

from synthesis.pooling import pool_analysis_file
from synthesis.reproduce import write_reproduction_file

rows, out, params = snakemake.input.rows, snakemake.output, snakemake.params
analysis = snakemake.wildcards.analysis
pool_analysis_file(
    rows,
    out.estimates,
    out.contrasts,
    analysis=analysis,
    models=params.models,
    subgroup_models=params.subgroup_models,
    level=params.level,
    contrasts=params.contrasts,
)
write_reproduction_file(
    rows,
    out.estimates,
    out.reproduction,
    analysis=analysis,
    label=params.label,
    primary=params.models[0],
    interval=params.interval,
    level=params.level,
)
