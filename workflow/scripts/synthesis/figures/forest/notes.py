"""The notes below a forest plot: heterogeneity, the test between groups, and each caveat only where it is true."""

import pandas as pd

from ...words import formatting as fmt
from ...words.levels import MIXED
from ...words.prose import labelled, plural, upper_first
from ...words.terms import remarks_of, with_remark
from ..kit.layout import clean_text
from .diamonds import UNKNOWN, find_pool, find_test, state_of
from .lines import ForestText, Printer, format_window, mark_sentences, marks_of


def write_notes(
    rows: pd.DataFrame, estimates: pd.DataFrame, text: ForestText, by: str | None, upper: float
) -> list[tuple[str, bool]]:
    """Write the paragraphs below the figure, in the order of the specification; True is printed dark."""
    overall = find_pool(estimates, "all", "", text.primary)
    printer = Printer(text, 1, 1)
    heterogeneity = printer.heterogeneity(overall) if overall is not None and state_of(overall) == "pool" else ""
    model = [text.model_line, f"Square area: number of {text.unit}."] if len(rows) else []
    caveats = [
        *pool_caveats(overall, printer),
        *row_caveats(rows, text, "arm" if by or rows["study"].duplicated().any() else "study", overall),
        *axis_caveats(rows, upper),
        *(panel_caveats(rows, text, overall) if by else []),
        *mark_caveats(rows, text),
    ]
    paragraphs = [
        (f"Heterogeneity: {heterogeneity}" if heterogeneity else "", True),
        (write_test(rows, estimates, text, by) if by else "", True),
        (" ".join(filter(None, model)), False),
        (" ".join(caveats), False),
        (text.note, False),
        (text.version_line, False),
    ]
    return [(paragraph, dark) for paragraph, dark in paragraphs if paragraph.strip()]


def pool_caveats(pool: pd.Series | None, printer: Printer) -> list[str]:
    """Give what a reader must know about the pool of all studies, where it is true."""
    if pool is None or (state := state_of(pool)) == "one study":
        return []
    if state != "pool":
        return [printer.remark(pool, state)] if pool["k"] else []
    caveats = [printer.remark(pool, state)]
    if printer.predicts(pool) and pool["tau2"] == 0:
        caveats.append("τ² was estimated at 0, so the prediction interval carries only the uncertainty of the mean.")
    elif pool["studies"] < printer.text.draw_prediction_from:
        caveats.append(f"No prediction interval is drawn below {printer.text.draw_prediction_from} studies.")
    return list(filter(None, caveats))


def row_caveats(rows: pd.DataFrame, text: ForestText, what: str, pool: pd.Series | None) -> list[str]:
    """Say how rows without events enter the pool."""
    empty = int((rows["events"] == 0).sum())
    if not empty or pool is None or state_of(pool) != "pool":
        return []
    how = "with half an event added to each cell" if text.corrected else "without correction"
    noun = plural(empty, what, "studies" if what == "study" else "")
    return [f"{noun} with no events {'is' if empty == 1 else 'are'} included {how}."]


def axis_caveats(rows: pd.DataFrame, upper: float) -> list[str]:
    """Explain arrows, and squares that are not there."""
    end = upper * (1 + 1e-9)
    if not (rows["ci_high"] > end).any():
        return []
    beyond = " Arrow alone: so does the estimate." if (rows["proportion"] > end).any() else ""
    return [f"Arrow: interval extends beyond the axis.{beyond}"]


def panel_caveats(rows: pd.DataFrame, text: ForestText, pool: pd.Series | None) -> list[str]:
    """Say which studies stand in several panels, and which panels have no study."""
    caveats = []
    several = int((rows.groupby("study").size() > 1).sum())
    if several:
        once = "; the overall pool counts each study once" if counts_once(pool) else ""
        verb = "gives" if several == 1 else "give"
        caveats.append(f"{plural(several, 'study', 'studies')} {verb} several arms{once}.")
    present = set(rows["group"].fillna(""))
    absent = [clean_text(name) for level, name in text.levels.items() if level not in present]
    return [*caveats, f"No separate data: {', '.join(absent)}."] if absent and len(rows) else caveats


def mark_caveats(rows: pd.DataFrame, text: ForestText) -> list[str]:
    """Explain marks and dashes."""
    seen = {mark for _, row in rows.iterrows() for mark in marks_of(row, text.overlaps)}
    caveats = mark_sentences(seen, text.unit)
    windows = {format_window(value) for value in rows.get("window", ())}
    if text.window_label and fmt.MISSING in windows and len(windows) > 1:
        caveats.append(f"{fmt.MISSING}: window not stated.")
    return caveats


def counts_once(pool: pd.Series | None) -> bool:
    """Say whether a pool has one row a study."""
    return pool is not None and pool["k"] == pool["studies"]


def write_test(rows: pd.DataFrame, estimates: pd.DataFrame, text: ForestText, by: str) -> str:
    """Give the line on subgroup differences: the test of the pools drawn, or why there is none.

    The test with one τ² for all groups is of other pools than those drawn: it is added, by name, where it compares
    groups that the first cannot.
    """
    own, common = (find_test(estimates, by, model) for model in (text.primary, text.common_model))
    made = [test for test in (own, common) if test is not None and pd.notna(test["test"])]
    if len(made) == 2 and common["test_df"] <= own["test_df"]:
        made.pop()
    if not made:
        reasons = [labelled(remarks_of(test["status"]), text.levels) for test in (own, common) if test is not None]
        return f"Test for subgroup differences: not possible ({'; '.join(dict.fromkeys(reasons))})" if reasons else ""
    groups = plural(len(set(rows["group"].fillna("")) - {MIXED, *UNKNOWN}), "group")
    said = []
    for test in made:
        drawn = "as drawn" if test is own else "not as drawn"
        printed = fmt.format_test(test["test"], test["test_df"], test["test_p"], fmt.HOUSES[text.house])
        compared = f"{int(test['test_df']) + 1} of {groups} compared"
        compared = with_remark(compared, labelled(remarks_of(test["status"]), text.levels))
        said.append(f"{test['test_name']}, {drawn}: {printed} ({compared})")
    return f"Test for subgroup differences: {'. '.join([said[0], *map(upper_first, said[1:])])}"
