# In:  results/<analysis>/rows.csv, and the characteristics in studies/*.yaml of the sheets that feed the analysis: read from
#      the sheets, since results/data/ is written again by a change in any of them (ancient() as in sheets.smk)
# Out: results/<analysis>/regression.csv (moderators and factors with every model), moderators.csv (each study's value,
#      or why it has none), crosstab.csv (which levels go together)


def crosstab_variables(wildcards):
    """Name what is set against what: the first variable an analysis is split by, then all other properties of arms."""
    first = protocol.analyses[wildcards.analysis].subgroups[:1]
    if not first:
        return {}
    others = ["product", *protocol.attributes, *protocol.analyses[wildcards.analysis].subgroups]
    return {variable: list(protocol.levels(variable)) for variable in dict.fromkeys([*first, *others])}


def characteristics_digest(analysis):
    """Give a digest of the characteristics of the sheets that feed an analysis."""
    sheets = (index.sheets[path] for path in index.feeds(analysis))
    return digest_of(
        [[sheet.id, [fact.model_dump(mode="json") for fact in sheet.characteristics]] for sheet in sheets]
    )


CHARACTERISTICS_DIGESTS = {name: characteristics_digest(name) for name in ANALYSES}
CHARACTERISTICS_STAMPS = {
    name: stamp(f"{name}.characteristics", digest) for name, digest in CHARACTERISTICS_DIGESTS.items()
}


rule regress_analysis:
    """Ask whether the proportion changes with a property of the studies, and which properties go together."""
    input:
        rows=rules.select_rows.output.rows,
        sheets=lambda wildcards: ancient(index.feeds(wildcards.analysis)),
        digest=lambda wildcards: CHARACTERISTICS_STAMPS[wildcards.analysis],
        library=library("regress_analysis.py"),
    output:
        regression="results/{analysis}/regression.csv",
        moderators="results/{analysis}/moderators.csv",
        crosstab="results/{analysis}/crosstab.csv",
    log:
        "logs/regress_analysis/{analysis}.log",
    threads: 1
    params:
        moderators=lambda wildcards: {
            name: protocol.moderators[name].model_dump(mode="json")
            for name in protocol.analyses[wildcards.analysis].moderators
        },
        factors=lambda wildcards: {
            variable: {"label": protocol.variable_label(variable), "levels": list(protocol.levels(variable))}
            for variable in protocol.analyses[wildcards.analysis].subgroups
        },
        crosstab=crosstab_variables,
        settings={
            "level": protocol.models.level,
            "permutations": protocol.sensitivity.permutations,
            "seed": protocol.sensitivity.seed,
        },
        digest=lambda wildcards: CHARACTERISTICS_DIGESTS[wildcards.analysis],
    script:
        "../scripts/regress_analysis.py"
