"""The primary model's details for each analysis: beside the estimate, and study by study."""

from dataclasses import asdict

from ..models.catalogue import pool
from ..models.details import glmm_details
from ..selection.arms import read_rows
from ..tables.files import write_table
from ..words.terms import is_ok

FITS = (
    "analysis",
    "model",
    "studies",
    "pi_df",
    "average",
    "average_low",
    "average_high",
    "profile_low",
    "profile_high",
    "lr_tau2",
    "lr_tau2_p",
    "loglik",
    "nodes",
    "steps",
    "status",
)
EFFECTS = ("analysis", "study", "events", "patients", "proportion", "fitted", "low", "high")


def detail_fit_file(rows_csv: str, fits_csv: str, effects_csv: str, *, analysis: str, level: float) -> None:
    """Read the rows of an analysis and write the details of its overall fit.

    ``fits.csv`` has one row; ``effects.csv`` one a study, with the proportion as the model sees it (empirical Bayes).
    """
    rows = read_rows(rows_csv)
    rows = rows[(rows["subset"] == "all") & (rows["use"] == "yes")]
    columns = [rows[c] for c in ("events", "patients", "study")]
    pooled = pool("glmm", *columns, level)
    fit = {"analysis": analysis, "model": "glmm", "studies": pooled.studies, "status": pooled.status}
    effects = []
    if is_ok(pooled.status):
        details = glmm_details(*columns, level)
        fit |= {key: value for key, value in asdict(details).items() if key in FITS}
        fitted = {name: values for name, *values in details.effects}
        for study, own in rows.groupby("study", sort=False):
            y, n = int(own["events"].sum()), int(own["patients"].sum())
            base = {"analysis": analysis, "study": study, "events": y, "patients": n}
            numbers = dict(zip(("fitted", "low", "high"), fitted[study], strict=True))
            effects.append(base | {"proportion": y / n} | numbers)
    write_table(fits_csv, [fit], FITS)
    write_table(effects_csv, effects, EFFECTS)
