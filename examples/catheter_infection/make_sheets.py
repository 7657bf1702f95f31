"""Write the sheets in studies/ from nielweise2007.csv: `python make_sheets.py`, in this folder.

Every trial compared two kinds of catheter, so a sheet has an arm for each, both together as `all`, and the 2×2 table.
Counts are as printed; the sums of `all` are ours, and say so. What the data set does not hold is left out.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "workflow" / "scripts"))  # where nothing is installed, the library is there

from synthesis.curation.naming import id_of  # noqa: E402
from synthesis.curation.writing import data_to_yaml  # noqa: E402
from synthesis.tables.files import read_table, write_text  # noqa: E402

REVIEW = "Niel-Weise BS, Stijnen T, van den Broek PJ. Intensive Care Med 2007;33:2058-68, doi:10.1007/s00134-007-0897-3"
EXPOSURE = "Anti-infective rather than standard catheter"
READ = "2026-11-24"
DEFINITION = "catheter-related bloodstream infection, as the trial defined it"


def sheet_of(row: dict[str, str]) -> dict:
    """Give the sheet of one trial as nested texts.

    Parameters
    ----------
    row : dict
        `study, author, year`, then infections and patients with anti-infective (`ai`, `n1i`) and standard (`ci`,
        `n2i`) catheters.
    """
    label = f"{row['author']} {row['year']}"
    counts = {"anti-infective": (row["ai"], row["n1i"]), "standard": (row["ci"], row["n2i"])}
    source = f"figure 2 of the review (row {row['study']} of dat.nielweise2007 in metadat 1.2-0)"
    carried = {"confidence": "medium", "source": source}
    both = tuple(str(sum(int(pair[i]) for pair in counts.values())) for i in (0, 1))

    def outcome(arm: str, events: str, patients: str, basis: str) -> dict:
        said = {"outcome": "bloodstream_infection", "arm": arm, "events": events, "patients": patients}
        return said | {"window": "unstated", "definition": DEFINITION, "basis": basis, **carried}

    cells = [{"events": events, "patients": patients} for events, patients in counts.values()]
    return {
        "id": id_of(label),
        "label": label,
        "citation": {
            "authors": row["author"],
            "year": row["year"],
            "note": f"Author and year as in {REVIEW}; the report of the trial was not read.",
        },
        "report": "review-table",
        "design": "trial",
        "ascertainment": "trial report",
        "arms": {
            "all": {"comprises": list(counts), "product": "mixed", "patients": both[1]},
            **{arm: {"product": arm, "patients": patients} for arm, (_, patients) in counts.items()},
        },
        "outcomes": [
            *(outcome(arm, *pair, "stated") for arm, pair in counts.items()),
            outcome("all", *both, "derived") | {"note": "The sum of both arms."},
        ],
        "comparisons": [
            {"exposure": EXPOSURE, "outcome": "bloodstream_infection", "arm": "all"}
            | {"exposed": cells[0], "unexposed": cells[1], "basis": "stated", **carried}
        ],
        "extraction": {"first": READ},
    }


def main() -> None:
    """Write one sheet a row."""
    for row in read_table(HERE / "nielweise2007.csv"):
        sheet = sheet_of(row)
        text = data_to_yaml(sheet).replace("sheet.schema.json", "../../../workflow/schemas/sheet.schema.json", 1)
        write_text(HERE / "studies" / f"{sheet['id']}.yaml", text)


if __name__ == "__main__":
    main()
