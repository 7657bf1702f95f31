"""results/risk_of_bias_robvis.csv: the judgements in the columns that robvis reads, for its tool "Generic".

robvis takes the first column as the study, the last as its weight, the one before as the overall judgement, and all
between as items (vignette "Introduction to robvis"). The tools of this review give no overall judgement and none is
made up: it says Not applicable, and robvis leaves the column out unless asked. Weights are 1, which the vignette
proposes where there are none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from ..tables.files import read_table, write_table

# A sheet asks for the favourable answer: yes is a low risk.
WORDS = {"yes": "Low", "no": "High", "unclear": "Unclear"}
NOT_JUDGED, NOT_APPLICABLE = "No information", "Not applicable"
STUDY, OVERALL, WEIGHT = "Study", "Overall", "Weight"


def write_robvis_file(
    risk_of_bias_csv: str, studies_csv: str, robvis_csv: str, *, tools: Mapping[str, Iterable[str]]
) -> None:
    """Read the judgements and write them as robvis reads them."""
    rows = robvis_rows(read_table(risk_of_bias_csv), read_table(studies_csv), tools)
    write_table(robvis_csv, rows, [STUDY, *item_columns(tools), OVERALL, WEIGHT])


def item_columns(tools: Mapping[str, Iterable[str]]) -> list[str]:
    """Name the columns of the items, in a form that R reads unchanged; with several tools the tool stands before it.

    >>> item_columns({"jbi-a": ["sample_frame", "setting"]})
    ['D1_sample_frame', 'D2_setting']
    >>> item_columns({"jbi-a": ["setting"], "b": ["setting"]})
    ['jbi_a_D1_setting', 'b_D1_setting']
    """
    return [
        (re.sub(r"\W", "_", tool) + "_" if len(tools) > 1 else "") + f"D{number}_{item}"
        for tool, items in tools.items()
        for number, item in enumerate(items, 1)
    ]


def robvis_rows(
    judgements: Sequence[Mapping[str, str]], studies: Iterable[Mapping[str, str]], tools: Mapping[str, Iterable[str]]
) -> list[dict]:
    """Give a row a judged study, in the order of the sheets; a study nobody judged is not listed.

    Parameters
    ----------
    judgements : sequence of mapping
        Rows of ``risk_of_bias.csv``.
    studies : iterable of mapping
        Rows of ``studies.csv``.
    tools : mapping
        Tool → its items, in order.
    """
    found = {(row["study"], row["tool"], row["item"]): row["judgement"] for row in judgements}
    used = {(row["study"], row["tool"]) for row in judgements}
    places = [(tool, item) for tool, items in tools.items() for item in items]
    rows = []
    for study in studies:
        mine = {tool for name, tool in used if name == study["study"]}
        if not mine:
            continue
        words = [
            WORDS.get(found.get((study["study"], tool, item), ""), NOT_JUDGED) if tool in mine else NOT_APPLICABLE
            for tool, item in places
        ]
        items = dict(zip(item_columns(tools), words, strict=True))
        rows.append({STUDY: study["label"], **items, OVERALL: NOT_APPLICABLE, WEIGHT: 1})
    return rows
