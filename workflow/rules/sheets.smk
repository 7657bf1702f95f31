# In:  the sheets, as the Snakefile read and checked them
# Out: results/data/*.csv (all sheets as tables), results/<analysis>/rows.csv (what one analysis pools, and why)
# No job reads a sheet. What a job uses of them is written down while the rules are read, and is an input like any other:
# a comment changes nothing in it, and whoever edits a sheet during a build changes the next build, not half of this one.
from synthesis.sheets.facts import of_analysis, of_fits, without_words
from synthesis.selection.rows import Vocabulary, rows_to_fit

VOCABULARY = {
    "attributes": ATTRIBUTES,
    "implied": {name: product.model_extra for name, product in protocol.products.items()},
    "level": protocol.models.level,
    "interval": protocol.models.study_interval,
}


def choices_of(analysis):
    """Give what an analysis chooses, without what it is called."""
    return {**CHOICES["analyses"][analysis], "label": analysis, "note": None, "headline": "pool"}


def rows_of(analysis):
    """Give the rows of an analysis as fits read them: no words, so that a label or a note refits nothing."""
    sheets = [without_words(index.sheets[path]) for path in index.feeds(analysis)]
    words = Vocabulary(**{**VOCABULARY, "interval": ""})
    return rows_to_fit(sheets, analysis, protocol.analyses[analysis], words)


def handed(analysis, part):
    """Write down a part of the sheets that feed an analysis."""
    return as_text(part(index.sheets[path], protocol.analyses[analysis]) for path in index.feeds(analysis))


# Written now and not when a job asks: Snakemake lists a folder once, at the first file it looks for in it, and holds a
# stamp that is written later for missing.
SHEETS = stamp("sheets.json", as_text(index.sheets.values()))
SHEETS_OF = {name: stamp(f"{name}.sheets.json", handed(name, of_analysis)) for name in ANALYSES}
FACTS_OF = {name: stamp(f"{name}.facts.json", handed(name, of_fits)) for name in ANALYSES}
ROWS_OF = {name: stamp(f"{name}.rows.csv", rows_of(name)) for name in ANALYSES}


rule collect_sheets:
    """Write all sheets as six tidy tables."""
    input:
        sheets=SHEETS,
    output:
        expand(
            "results/data/{table}.csv",
            table=["studies", "arms", "outcomes", "comparisons", "characteristics", "risk_of_bias"],
        ),
    log:
        "logs/collect_sheets.log",
    params:
        folder="results/data",
        attributes=ATTRIBUTES,
    script:
        "../scripts/collect_sheets.py"


rule select_rows:
    """Select the rows of an analysis; list every other candidate with the reason it stays out."""
    input:
        sheets=lambda wildcards: SHEETS_OF[wildcards.analysis],
    output:
        rows="results/{analysis}/rows.csv",
    log:
        "logs/select_rows/{analysis}.log",
    params:
        choices=lambda wildcards: choices_of(wildcards.analysis),
        vocabulary=VOCABULARY,
    script:
        "../scripts/select_rows.py"
