# In:  the rows of an analysis, results/<analysis>/rows.csv and estimates.csv, the table of published pools
# Out: results/<analysis>/rates.csv (pooled per unit of time) and rate_rows.csv (person-time of each row, or why none),
#      results/published.csv


def published_analyses(measure=None):
    """Name the analyses that stand beside a published pool, or beside one of a measure."""
    pairs = protocol.published.pairs if protocol.published else ()
    return list(dict.fromkeys(pair.analysis for pair in pairs if measure in (None, pair.measure)))


rule pool_rates:
    """Pool one analysis per unit of time, taking everybody as followed to the end of the window."""
    input:
        rows=lambda wildcards: ROWS_OF[wildcards.analysis],
    output:
        rates="results/{analysis}/rates.csv",
        rows="results/{analysis}/rate_rows.csv",
    log:
        "logs/pool_rates/{analysis}.log",
    params:
        days=protocol.rates.days,
        unit=protocol.rates.unit,
        level=protocol.models.level,
    script:
        "../scripts/pool_rates.py"


if protocol.published:

    rule compare_published:
        """Set each published pool of the config beside ours, and say in which respects they can be compared."""
        input:
            published=protocol.published.file,
            rows=expand(rules.select_rows.output.rows, analysis=published_analyses()),
            estimates=expand(rules.pool_analysis.output.estimates, analysis=published_analyses()),
            rates=expand(rules.pool_rates.output.rates, analysis=published_analyses("rate")),
        output:
            published="results/published.csv",
        log:
            "logs/compare_published.log",
        params:
            pairs=CHOICES["published"]["pairs"],
            analyses=published_analyses(),
            timed=published_analyses("rate"),
            model=protocol.models.primary,
            unit=protocol.rates.unit,
        script:
            "../scripts/compare_published.py"
