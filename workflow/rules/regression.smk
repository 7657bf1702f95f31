# In:  results/<analysis>/rows.csv, results/data/characteristics.csv and arms.csv
# Out: results/<analysis>/regression.csv (moderators and factors with every model), moderators.csv (each study's value,
#      or why it has none), crosstab.csv (which levels go together)


def crosstab_variables(wildcards):
    """Name what is set against what: the first variable an analysis is split by, then all other properties of arms."""
    first = protocol.analyses[wildcards.analysis].subgroups[:1]
    if not first:
        return {}
    others = ["product", *protocol.attributes, *protocol.analyses[wildcards.analysis].subgroups]
    return {variable: list(protocol.levels(variable)) for variable in dict.fromkeys([*first, *others])}


rule regress_analysis:
    """Ask whether the proportion changes with a property of the studies, and which properties go together."""
    input:
        rows=rules.select_rows.output.rows,
        characteristics="results/data/characteristics.csv",
        arms="results/data/arms.csv",
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
    script:
        "../scripts/regress_analysis.py"
