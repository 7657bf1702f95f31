"""The notes below a forest plot: heterogeneity, the test between groups, and each caveat only where it is true."""

from collections import Counter
from collections.abc import Sequence

from ...tables.pools import Row, State, find_test, is_pooled, shares_of, state_of
from ...words import formatting as fmt
from ...words.levels import MIXED, NOT_REPORTED
from ...words.prose import labelled, plural, upper_first
from ...words.terms import remarks_of, with_remark
from ..kit.layout import clean_text
from ..kit.readings import FigureText, Note, Property, known, notes_of, studies_of, values_of
from .lines import Printer, mark_sentences, marks_of


def write_notes(
    rows: Sequence[Row],
    estimates: Sequence[Row],
    overall: Row,
    text: FigureText,
    by: Property | None,
    upper: float,
) -> list[Note]:
    """Write the paragraphs below the figure."""
    printer, several = Printer(text), len({row["study"] for row in rows}) < len(rows)
    heterogeneity = printer.heterogeneity(overall)
    dark = [
        f"Heterogeneity: {heterogeneity}" if heterogeneity else "",
        write_test(rows, estimates, text, by) if by else "",
    ]
    parts = [clean_text(text.parts[row["outcome"]]) for row in rows if row["outcome"] in text.parts]
    model = " ".join(filter(None, [text.model_line, f"Square area: number of {text.unit}."]))
    caveats = [
        *pool_caveats(overall, printer),
        row_caveat(rows, text, "arm" if by or several else "study", overall),
        axis_caveat(rows, upper),
        limits_caveat(rows),
        *(panel_caveats(rows, by, overall) if by else []),
        *mark_sentences((marks_of(row, text) for row in rows), text.unit, parts),
    ]
    return [*((words, True) for words in dark if words), (model, False), *notes_of(text, grey=caveats)]


def pool_caveats(pool: Row, printer: Printer) -> list[str]:
    """Give what a reader must know about the pool of all studies, where it is true."""
    if state_of(pool) in (State.NO_STUDY, State.ONE_STUDY):
        return []
    caveats = [printer.remark(pool)]
    if printer.predicts(pool) and pool["tau2"] == 0:
        caveats.append("τ² was estimated at 0, so the prediction interval carries only the uncertainty of the mean.")
    elif is_pooled(pool) and pool["studies"] < printer.text.draw_prediction_from:
        caveats.append(f"No prediction interval is drawn below {printer.text.draw_prediction_from} studies.")
    return caveats


def row_caveat(rows: Sequence[Row], text: FigureText, what: str, pool: Row) -> str:
    """Say how rows without events enter the pool."""
    empty = sum(row["events"] == 0 for row in rows)
    if not empty or not is_pooled(pool):
        return ""
    corrected = text.primary.startswith(("logit", "log-"))
    how = "with half an event added to each cell" if corrected else "without correction"
    noun = studies_of(empty) if what == "study" else plural(empty, what)
    return f"{noun} with no events {'is' if empty == 1 else 'are'} included {how}."


def axis_caveat(rows: Sequence[Row], upper: float) -> str:
    """Explain arrows, and squares that are not there."""
    end = upper * (1 + 1e-9)
    if not any(row["ci_high"] > end for row in rows):
        return ""
    beyond = " Arrow alone: so does the estimate." if any(shares_of(row)[0] > end for row in rows) else ""
    return f"Arrow: interval extends beyond the axis.{beyond}"


def limits_caveat(rows: Sequence[Row]) -> str:
    """Explain a bar where other studies have a square."""
    if all(len(set(shares_of(row))) == 1 for row in rows):
        return ""
    return "Bar instead of a square: a count known only within limits, and the proportions these leave possible."


def panel_caveats(rows: Sequence[Row], by: Property, pool: Row) -> list[str]:
    """Say which studies stand in several panels, and which panels have no study."""
    caveats = []
    if several := sum(times > 1 for times in Counter(row["study"] for row in rows).values()):
        once = "; the overall pool counts each study once" if pool and pool["k"] == pool["studies"] else ""
        caveats.append(f"{studies_of(several)} {'gives' if several == 1 else 'give'} several arms{once}.")
    absent = by.absent(row["group"] for row in rows)
    return [*caveats, f"No separate data: {absent}."] if absent else caveats


def write_test(rows: Sequence[Row], estimates: Sequence[Row], text: FigureText, by: Property) -> str:
    """Give the line on subgroup differences: the test of the pools drawn, or why there is none.

    The test with one τ² for all groups is of other pools than those drawn: it is added, by name, where it compares
    groups that the first cannot.
    """
    models = [text.primary, *(["glmm-common"] if text.primary.startswith(("glmm", "bayes")) else [])]
    tests = {model: test for model in models if (test := find_test(estimates, model, by.name))}
    made = {model: test for model, test in tests.items() if known(test["test"])}
    if len(made) == 2 and made["glmm-common"]["test_df"] <= made[text.primary]["test_df"]:
        del made["glmm-common"]
    if not made:
        reasons = dict.fromkeys(labelled(remarks_of(test["status"]), by.levels) for test in tests.values())
        return f"Test for subgroup differences: not possible ({'; '.join(reasons)})" if reasons else ""
    groups = plural(len({row["group"] for row in rows} - {MIXED, "", NOT_REPORTED}), "group")
    said = []
    for model, test in made.items():
        drawn = "as drawn" if model == text.primary else "not as drawn"
        printed = fmt.format_test(*values_of(test, "test", "test_df", "test_p"), text.style)
        compared = f"{test['test_df'] + 1} of {groups} compared"
        compared = with_remark(compared, labelled(remarks_of(test["status"]), by.levels))
        said.append(f"{test['test_name']}, {drawn}: {printed} ({compared})")
    return f"Test for subgroup differences: {'. '.join([said[0], *map(upper_first, said[1:])])}"
