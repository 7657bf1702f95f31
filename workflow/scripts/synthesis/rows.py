"""The rows of an analysis as a table: for the stages that pool them, and for those that draw them."""

import pandas as pd


def read_rows(path: str) -> pd.DataFrame:
    """Read ``rows.csv``; words stay words, counts are whole numbers."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in ("events", "patients", "year"):
        rows[column] = pd.to_numeric(rows[column]).astype("Int64")
    for column in ("proportion", "ci_low", "ci_high"):
        rows[column] = pd.to_numeric(rows[column])
    return rows
