# In:  the rows of all analyses (sizes of studies), results/estimates.csv (incidences and tau)
# Out: results/operating_characteristics.csv (one row a scenario and model), operating_characteristics_summary.csv (one
#      row a model and kind of scenario); only on request: `snakemake operating_characteristics`
# The reviews are shared out over `chunks` jobs; each has a seed of its own, so their number changes nothing.


rule operating_characteristics:
    """Show how the models behave in simulated reviews like this one: bias, coverage and width."""
    input:
        "results/operating_characteristics.csv",
        "results/operating_characteristics_summary.csv",


rule simulate_reviews:
    """Simulate one chunk of the reviews, and pool each with every model."""
    input:
        rows=list(ROWS_OF.values()),
        estimates=rules.gather_estimates.output.estimates,
    output:
        temp("logs/simulate_reviews/{chunk}_of_{chunks}.csv"),
    log:
        "logs/simulate_reviews/{chunk}_of_{chunks}.log",
    params:
        settings=CHOICES["simulation"],
        level=protocol.models.level,
    script:
        "../scripts/simulate_reviews.py"


rule gather_simulations:
    """Turn the simulated reviews of all chunks into operating characteristics, and summarise them."""
    input:
        chunks=expand(
            rules.simulate_reviews.output,
            chunk=range(1, protocol.simulation.chunks + 1),
            chunks=protocol.simulation.chunks,
        ),
        rows=list(ROWS_OF.values()),
        estimates=rules.gather_estimates.output.estimates,
    output:
        table="results/operating_characteristics.csv",
        summary="results/operating_characteristics_summary.csv",
    log:
        "logs/gather_simulations.log",
    params:
        settings=CHOICES["simulation"],
        level=protocol.models.level,
    script:
        "../scripts/gather_simulations.py"
