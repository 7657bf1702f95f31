# In:  studies/*.yaml
# Out: results/data/*.csv (all sheets as tables), results/<analysis>/rows.csv (what one analysis pools, and why)
# Sheets are ancient(): editing a comment must not run anything. The digest of what a rule uses, as a parameter and as
# a stamp file, notices every change that matters.

# Written while the rules are read: Snakemake lists folders before it asks input functions, and would miss new files.
STAMPS = {name: stamp(name, index.digest(name)) for name in ANALYSES}


rule collect_sheets:
    """Write all sheets as six tidy tables."""
    input:
        sheets=ancient(list(index.sheets)),
        digest=stamp("all", index.digest_all()),
        library=library("collect_sheets.py"),
    output:
        expand(
            "results/data/{table}.csv",
            table=["studies", "arms", "outcomes", "comparisons", "characteristics", "risk_of_bias"],
        ),
    log:
        "logs/collect_sheets.log",
    params:
        folder="results/data",
        attributes=["product", *protocol.attributes],
        digest=index.digest_all(),
    script:
        "../scripts/collect_sheets.py"


rule select_rows:
    """Select the rows of an analysis; list every other candidate with the reason it stays out."""
    input:
        sheets=lambda wildcards: ancient(index.feeds(wildcards.analysis)),
        digest=lambda wildcards: STAMPS[wildcards.analysis],
        library=library("select_rows.py"),
    output:
        rows="results/{analysis}/rows.csv",
    log:
        "logs/select_rows/{analysis}.log",
    params:
        choices=lambda wildcards: protocol.analyses[wildcards.analysis].model_dump(mode="json"),
        vocabulary={
            "attributes": ["product", *protocol.attributes],
            "implied": {name: product.model_extra for name, product in protocol.products.items()},
            "level": protocol.models.level,
            "interval": protocol.models.study_interval,
        },
        digest=lambda wildcards: index.digest(wildcards.analysis),
    script:
        "../scripts/select_rows.py"
