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


def add_arms(rows: pd.DataFrame) -> pd.DataFrame:
    """Add up the arms of each study.

    Parameters
    ----------
    rows : DataFrame
        Used rows of one pool: ``study``, ``events``, ``patients``; ``label`` and ``year`` where they are needed.

    Returns
    -------
    DataFrame
        One row a study, by name; ``arms`` counts its rows.
    """
    studies = rows.groupby("study", sort=True)
    named = {column: "first" for column in ("label", "year") if column in rows.columns}
    return studies.agg({"events": "sum", "patients": "sum"} | named).assign(arms=studies.size()).reset_index()
