"""results/risk_of_bias_robvis.csv: the judgements in the columns that robvis reads, for its tool "Generic".

robvis takes the first column as the study, the last as its weight, the one before as the overall judgement, and all
between as items (vignette "Introduction to robvis"). The tools of this review give no overall judgement and none is
made up: it says Not applicable, and robvis leaves the column out unless asked. Weights are 1, which the vignette
proposes where there are none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from ..tables.declared import Row, read
from ..tables.files import write_table

# A sheet asks for the favourable answer: yes is a low risk.
WORDS = {"yes": "Low", "no": "High", "unclear": "Unclear"}
NOT_JUDGED, NOT_APPLICABLE = "No information", "Not applicable"


def write_robvis_file(
    risk_of_bias_csv: str, studies_csv: str, robvis_csv: str, *, tools: Mapping[str, Iterable[str]]
) -> None:
    """Read the judgements and write them as robvis reads them; tools are tool → its items, in order."""
    rows = robvis_rows(read(risk_of_bias_csv, "data/risk_of_bias"), read(studies_csv, "data/studies"), tools)
    write_table(robvis_csv, rows, ["Study", *item_columns(tools).values(), "Overall", "Weight"])


def item_columns(tools: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], str]:
    """Name the column of each item of each tool, as R reads it unchanged; of several tools the tool stands before it.

    >>> list(item_columns({"jbi-a": ["sample_frame", "setting"]}).values())
    ['D1_sample_frame', 'D2_setting']
    >>> list(item_columns({"jbi-a": ["setting"], "b": ["setting"]}).values())
    ['jbi_a_D1_setting', 'b_D1_setting']
    """
    return {
        (tool, item): (re.sub(r"\W", "_", tool) + "_") * (len(tools) > 1) + f"D{number}_{item}"
        for tool, items in tools.items()
        for number, item in enumerate(items, 1)
    }


def robvis_rows(judgements: Sequence[Row], studies: Iterable[Row], tools: Mapping[str, Iterable[str]]) -> list[dict]:
    """Give a row a judged study, in the order of the sheets; a study nobody judged is not listed."""
    found = {(row["study"], row["tool"], row["item"]): row["judgement"] for row in judgements}
    used = {(row["study"], row["tool"]) for row in judgements}
    rows = []
    for study in studies:
        name = study["study"]
        if any(judged == name for judged, _ in used):
            words = {
                column: WORDS.get(found.get((name, *place), ""), NOT_JUDGED)
                if (name, place[0]) in used
                else NOT_APPLICABLE
                for place, column in item_columns(tools).items()
            }
            rows.append({"Study": study["label"], **words, "Overall": NOT_APPLICABLE, "Weight": 1})
    return rows
