"""Build all results with Snakemake, calmly: one build at a time, recovered after a crash, shown in few lines."""
