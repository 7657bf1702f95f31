"""What `make` does round Snakemake."""
