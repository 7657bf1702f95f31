"""Forest plots of proportions: all studies in one panel, or one panel a subgroup.

A plot is a list of lines (`Line`), each with its printed text and its mark; pages are cut from that list, and one
function draws a line of any kind. Numbers come from ``rows.csv`` and ``estimates.csv`` through ``formatting``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan, sqrt

import pandas as pd
from matplotlib.figure import Figure

from .. import formatting as fmt
from .layout import Line, Plot, axis_end, clean_text, draw_pages
from .style import PALETTES, PRESETS, fixed_settings

MIXED = "mixed"
UNKNOWN = ("", "not reported")
LAST_PANELS = {MIXED: "Several, not separable", UNKNOWN[0]: "Not reported", UNKNOWN[1]: "Not reported"}

SQUARE = (1.0, 3.0)  # mm: shortest and longest side of a study's square


@dataclass(frozen=True)
class ForestText:
    """What a forest plot says beside its numbers.

    Parameters
    ----------
    title : str
        The analysis.
    unit : str
        What the denominator counts.
    level : float
        Confidence level.
    model_line, version_line, note : str
        Sentences on the model; which data; anything a reader must know first. Blank lines are left out.
    primary : str
        The model whose estimates are drawn.
    test_model : str
        The model whose row carries the test for subgroup differences; the primary one when blank.
    draw_prediction_from : int
        Studies needed for a prediction interval to be drawn.
    sort : {"year", "label", "estimate", "patients"}
    group_label : str
        What the panels of a split plot are.
    levels : mapping
        Level → label, in the order of the panels.
    scale : str
        The scale of τ².
    corrected : bool
        Whether the primary model adds half an event to studies without events.
    window_label : str
        Heading of the follow-up column; blank leaves it out.
    house : str
        A name in ``formatting.HOUSES``.
    """

    title: str
    unit: str = "patients"
    level: float = 0.95
    model_line: str = ""
    version_line: str = ""
    note: str = ""
    primary: str = "glmm"
    test_model: str = ""
    draw_prediction_from: int = 5
    sort: str = "year"
    group_label: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)
    scale: str = "logit"
    corrected: bool = False
    window_label: str = "Window, days"
    house: str = "default"

    @property
    def percent(self) -> str:
        """Give the level as printed: ``95%``."""
        return f"{100 * self.level:g}%"


def draw_forest(
    rows_block: pd.DataFrame,
    estimates: pd.DataFrame,
    text: ForestText,
    *,
    by: str | None = None,
    upper: float | None = None,
    preset: str = "default",
    palette: str = "default",
) -> list[Figure]:
    """Draw a forest plot.

    Parameters
    ----------
    rows_block : DataFrame
        The block of ``rows.csv`` for ``all``, or for ``by``; rows that are not used are left out here.
    estimates : DataFrame
        ``estimates.csv`` of the analysis.
    text : ForestText
    by : str, optional
        The variable that splits the plot into panels.
    upper : float, optional
        Where the axis ends, as a proportion; ``axis_upper`` gives one for all plots of an analysis.
    preset, palette : str
        Names in ``PRESETS`` and ``PALETTES``.

    Returns
    -------
    list of Figure
        Pages, normally one.
    """
    if upper is None:
        upper = axis_upper(rows_block, estimates, text)
    plot = read_plot(rows_block, estimates, text, by, upper)
    with fixed_settings():
        return draw_pages(plot, upper, PRESETS[preset], PALETTES[palette])


def axis_upper(rows: pd.DataFrame, estimates: pd.DataFrame, text: ForestText) -> float:
    """Give where the axis of all forest plots of an analysis ends.

    Parameters
    ----------
    rows : DataFrame
        ``rows.csv``, or the blocks of it that are drawn. The studies' limits are those of the block ``all`` (of
        whatever there is, without it), since arms of two patients say nothing about a good axis.
    estimates : DataFrame
    text : ForestText

    Returns
    -------
    float
        A proportion; every pooled interval of the primary model in these blocks and the drawn prediction interval
        lie inside.
    """
    rows = rows[rows["use"] == "yes"]
    studies = rows[rows["subset"] == "all"] if (rows["subset"] == "all").any() else rows
    mine = estimates[(estimates["model"] == text.primary) & estimates["subset"].isin({"all", *rows["subset"]})]
    pools = mine[(mine["status"] == "ok") & (mine["studies"] > 1)]
    overall = pools[(pools["subset"] == "all") & (pools["k"] >= text.draw_prediction_from)]
    return axis_end(studies["ci_high"], [*pools["ci_high"], *overall["pi_high"]])


def read_plot(
    rows_block: pd.DataFrame, estimates: pd.DataFrame, text: ForestText, by: str | None, upper: float = 1.0
) -> Plot:
    """Turn rows and estimates into lines and notes."""
    rows = rows_block[rows_block["use"] == "yes"]
    panels = split_panels(rows, text, by)
    overall = find_pool(estimates, "all", "", text.primary)
    pools = {group: find_pool(estimates, by, group, text.primary) for group, _, _ in panels} if by else {}
    drawn = [p for p in [overall, *pools.values()] if p is not None]
    decimals = fmt.decimals_for([*rows["proportion"], *(p["estimate"] for p in drawn)])
    printer = Printer(text, decimals, int(rows["patients"].max()) if len(rows) else 1)
    blocks = []
    for group, name, panel in panels:
        lines = [Line("group", name)] if by else []
        lines += printer.studies(panel)
        lines += printer.subgroup(pools[group]) if by else []
        blocks.append((*lines, Line("gap")) if by else tuple(lines))
    if not panels:
        blocks.append((Line("remark", "No study can be shown."),))
    blocks.append(tuple(printer.overall(overall)))
    reference = overall["estimate"] if overall is not None and state_of(overall) == "pool" else nan
    title = f"{text.title} by {lower_first(text.group_label or by)}" if by else text.title
    headings = {
        "study": "Study",
        "events": "Events",
        "patients": upper_first(text.unit),
        "estimate": "%",
        "interval": f"({text.percent} CI)",
        "window": text.window_label,
    }
    notes = tuple(write_notes(rows, estimates, text, by, upper))
    return Plot(title, headings, f"{upper_first(text.unit)} with event, %", tuple(blocks), notes, reference)


def split_panels(rows: pd.DataFrame, text: ForestText, by: str | None) -> list[tuple[str, str, pd.DataFrame]]:
    """Give group, name and sorted rows of each panel; what is no level of its own comes last."""
    if by is None:
        return [("", "", sort_rows(rows, text.sort))] if len(rows) else []
    groups = rows["group"].fillna("")
    known = {**{g: name for g, name in LAST_PANELS.items() if g not in text.levels}}
    others = [g for g in dict.fromkeys(groups) if g not in text.levels and g not in known]
    names = {**text.levels, **{g: g for g in others}, **known}
    return [(g, n, sort_rows(rows[groups == g], text.sort)) for g, n in names.items() if (groups == g).any()]


def sort_rows(rows: pd.DataFrame, sort: str) -> pd.DataFrame:
    """Order studies; ties by label, then by id, so that the order never depends on the file's."""
    keys = {"year": "year", "label": "label", "estimate": "proportion", "patients": "patients"}
    ties = ["label", "study", *(["arm"] if "arm" in rows else [])]
    rows = rows.sort_values(ties, kind="stable")
    return rows.sort_values(keys[sort], kind="stable", ascending=sort != "patients", na_position="last")


def find_pool(estimates: pd.DataFrame, subset: str, group: str, model: str) -> pd.Series | None:
    """Find the pooled estimate of a group; None when there is none."""
    found = _find(estimates, subset, group, model)
    if subset != "all" and group == "":  # the row without a group carries the test, after a pool of that name
        found = found[found["k"].fillna(0).gt(0) & found["test"].isna() & found["estimate"].notna()]
    return found.iloc[0] if len(found) else None


def find_test(estimates: pd.DataFrame, subset: str, model: str) -> pd.Series | None:
    """Find the row that carries the test for subgroup differences."""
    found = _find(estimates, subset, "", model)
    found = found[found["estimate"].isna()]
    return found.iloc[-1] if len(found) else None


def _find(estimates: pd.DataFrame, subset: str, group: str, model: str) -> pd.DataFrame:
    return estimates[
        (estimates["subset"] == subset) & (estimates["group"].fillna("") == group) & (estimates["model"] == model)
    ]


def state_of(pool: pd.Series) -> str:
    """Say what a row of estimates is: pool, one study, none (no events), all (nothing but events), or missing."""
    if pool["k"] == 0:
        return "missing"
    if pool["studies"] == 1:
        return "one study"
    if pool["events"] == 0:
        return "none"
    if pool["events"] == pool["patients"]:
        return "all"
    return "pool" if pool["status"] == "ok" and pd.notna(pool["estimate"]) else "missing"


@dataclass(frozen=True)
class Printer:
    """Turns rows and pools into lines.

    Parameters
    ----------
    text : ForestText
    decimals : int
        Of all percentages of the plot.
    largest : int
        Patients of the largest row: its square has the longest side.
    """

    text: ForestText
    decimals: int
    largest: int

    def numbers(self, row: pd.Series) -> dict[str, object]:
        """Give the printed numbers of a row or a pool."""
        value, low, high = (row[c] for c in ("proportion" if "proportion" in row else "estimate", "ci_low", "ci_high"))
        printed = fmt.format_percent_interval(value, low, high, self.decimals, fmt.HOUSES[self.text.house])
        estimate, _, interval = printed.partition(" ")
        return {
            "events": fmt.format_count(row["events"]),
            "patients": fmt.format_count(row["patients"]),
            "estimate": estimate,
            "interval": interval,
        }

    def studies(self, panel: pd.DataFrame) -> list[Line]:
        """Give a line a study; arms of one study in one panel are told apart by their names."""
        lines = []
        for _, row in panel.iterrows():
            label = clean_text(row["label"])
            twins = (panel["study"] == row["study"]).sum() > 1
            arm = clean_text(row.get("arm_label", row.get("arm", ""))) if twins else ""
            lines.append(
                Line(
                    "study",
                    f"{label}, {arm}" if arm else label,
                    **self.numbers(row),
                    window=format_window(row.get("window", "")),
                    low=row["ci_low"],
                    mid=row["proportion"],
                    high=row["ci_high"],
                    side=max(SQUARE[0], SQUARE[1] * sqrt(row["patients"] / self.largest)),
                    dagger=row.get("basis", "stated") != "stated",
                )
            )
        return lines

    def subgroup(self, pool: pd.Series | None) -> list[Line]:
        """Give the summary of a panel and the grey line below it."""
        state = "missing" if pool is None else state_of(pool)
        if pool is None or state == "one study":
            return [] if pool is None else [Line("remark", "1 study: not pooled")]
        remark = self.remark(pool, state) or self.heterogeneity(pool)
        return [self.summary("summary", "Subgroup", pool, state), *([Line("remark", remark)] if remark else [])]

    def overall(self, pool: pd.Series | None) -> list[Line]:
        """Give the lines of the pool of all studies."""
        if pool is None or pool["k"] == 0:
            return []
        state = state_of(pool)
        if state == "one study":
            return [Line("rule"), Line("remark", "One study: not pooled")]
        lines = [Line("rule"), self.summary("overall", "All studies", pool, state)]
        if self.predicts(pool):
            limits = fmt.format_percent_range(
                pool["pi_low"], pool["pi_high"], self.decimals, fmt.HOUSES[self.text.house]
            )
            label = f"{self.text.percent} prediction interval"
            lines.append(Line("prediction", label, interval=f"({limits})", low=pool["pi_low"], high=pool["pi_high"]))
        return lines

    def summary(self, kind: str, name: str, pool: pd.Series, state: str) -> Line:
        """Give the line of a pool; without a model there is no diamond."""
        arms = "" if pool["k"] == pool["studies"] else f", {fmt.format_count(pool['studies'])} studies"
        mark = {"low": pool["ci_low"], "mid": pool["estimate"], "high": pool["ci_high"]} if state == "pool" else {}
        label = f"{name} (k = {fmt.format_count(pool['k'])}{arms})"
        return Line(kind, label, **self.numbers(pool), **mark)

    def predicts(self, pool: pd.Series) -> bool:
        """Say whether the prediction interval is drawn."""
        known = pd.notna(pool["pi_low"]) and pd.notna(pool["pi_high"])
        return bool(known and state_of(pool) == "pool" and pool["k"] >= self.text.draw_prediction_from)

    def heterogeneity(self, pool: pd.Series) -> str:
        """Give the heterogeneity of a pool in one line."""
        values = (pool[c] for c in ("tau2", "i2", "q", "q_df", "q_p"))
        return fmt.format_heterogeneity(*values, scale=self.text.scale, house=fmt.HOUSES[self.text.house])

    def remark(self, pool: pd.Series, state: str) -> str:
        """Say why a pool has no diamond; blank when it has one."""
        return {
            "none": f"No events: the upper limit is the exact one-sided {self.text.percent} limit.",
            "all": f"Nothing but events: the lower limit is the exact one-sided {self.text.percent} limit.",
            "missing": f"Not pooled: {pool['status']}.",
        }.get(state, "")


def format_window(value: object) -> str:
    """Give a follow-up window in days; a dash where the source does not say."""
    number = pd.to_numeric(value, errors="coerce")
    return fmt.MISSING if pd.isna(number) else fmt.format_count(number)


def lower_first(words: str) -> str:
    """Put a heading inside a sentence: its first letter small, unless it is an abbreviation.

    >>> lower_first("Product"), lower_first("BMI")
    ('product', 'BMI')
    """
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


def upper_first(words: str) -> str:
    """Put words at the start of a line."""
    return words[:1].upper() + words[1:]


def count_of(number: int, one: str, many: str = "") -> str:
    """Give a number with its noun.

    >>> count_of(1, "study", "studies"), count_of(12, "study", "studies")
    ('1 study', '12 studies')
    """
    return f"{fmt.format_count(number)} {one if number == 1 else many or one + 's'}"


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
        *row_caveats(rows, text, "arm" if by else "study", overall),
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
    if printer.predicts(pool):
        flat = "τ² was estimated at 0, so the prediction interval carries only the uncertainty of the mean."
        return [flat] if pool["tau2"] == 0 else []
    if pool["k"] < printer.text.draw_prediction_from:
        return [f"No prediction interval is drawn below {printer.text.draw_prediction_from} studies."]
    return []


def row_caveats(rows: pd.DataFrame, text: ForestText, what: str, pool: pd.Series | None) -> list[str]:
    """Say how rows without events enter the pool."""
    empty = int((rows["events"] == 0).sum())
    if not empty or pool is None or state_of(pool) != "pool":
        return []
    how = "with half an event added to each cell" if text.corrected else "without correction"
    noun = count_of(empty, what, "studies" if what == "study" else "")
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
        caveats.append(f"{count_of(several, 'study', 'studies')} {verb} several arms{once}.")
    present = set(rows["group"].fillna(""))
    absent = [clean_text(name) for level, name in text.levels.items() if level not in present]
    return [*caveats, f"No separate data: {', '.join(absent)}."] if absent and len(rows) else caveats


def mark_caveats(rows: pd.DataFrame, text: ForestText) -> list[str]:
    """Explain daggers and dashes."""
    caveats = []
    if "basis" in rows and (rows["basis"] != "stated").any():
        caveats.append("† Count derived from a printed percentage or by subtraction.")
    windows = {format_window(value) for value in rows.get("window", ())}
    if text.window_label and fmt.MISSING in windows and len(windows) > 1:
        caveats.append(f"{fmt.MISSING}: window not stated.")
    return caveats


def counts_once(pool: pd.Series | None) -> bool:
    """Say whether a pool has one row a study."""
    return pool is not None and pool["k"] == pool["studies"]


def write_test(rows: pd.DataFrame, estimates: pd.DataFrame, text: ForestText, by: str) -> str:
    """Give the line on subgroup differences: the test, or why there is none."""
    test = find_test(estimates, by, text.test_model or text.primary)
    if test is None:
        return ""
    if pd.isna(test["test"]):
        return f"Test for subgroup differences: not possible ({test['status']})"
    groups = set(rows["group"].fillna("")) - {MIXED, *UNKNOWN}
    compared = int(test["test_df"]) + 1
    printed = fmt.format_test(test["test"], test["test_df"], test["test_p"], fmt.HOUSES[text.house])
    return f"Test for subgroup differences: {printed} ({compared} of {count_of(len(groups), 'group')} compared)"


def describe_forest(
    rows_block: pd.DataFrame, estimates: pd.DataFrame, text: ForestText, *, by: str | None = None
) -> tuple[str, str]:
    """Give the alternative text of a forest plot.

    Returns
    -------
    title, desc : str
        What it is; and its message in sentences: studies, events, the pooled value with its intervals, what
        stands out, heterogeneity, and each panel of a split plot.
    """
    plot = read_plot(rows_block, estimates, text, by)
    title = f"Forest plot: {clean_text(plot.title)}"
    overall = find_pool(estimates, "all", "", text.primary)
    sentences = [f"Forest plot of the share of {text.unit} with an event, {clean_text(plot.title)}."]
    lines = {line.kind: line for line in plot.blocks[-1]}
    if overall is not None and overall["k"]:
        sentences.append(
            f"{count_of(overall['studies'], 'study', 'studies')} (k = {fmt.format_count(overall['k'])}), "
            f"{count_of(overall['events'], 'event')} in {fmt.format_count(overall['patients'])} {text.unit}."
        )
    if "overall" in lines:
        sentences.append(f"Pooled over all studies: {_spoken(lines['overall'], text)}.")
    elif "remark" in lines:
        sentences.append(f"{lines['remark'].label}.")
    if "prediction" in lines:
        sentences.append(f"{lines['prediction'].label}: {lines['prediction'].interval[1:-1]}%.")
    sentences += describe_studies(plot, text) + [s if s.endswith(".") else f"{s}." for s, dark in plot.notes if dark]
    return title, " ".join(sentences)


def describe_studies(plot: Plot, text: ForestText) -> list[str]:
    """Give the range of the studies, and each panel of a split plot."""
    studies = [line for block in plot.blocks for line in block if line.kind == "study"]
    sentences = []
    if len(studies) > 1:
        least, most = min(studies, key=lambda s: s.mid), max(studies, key=lambda s: s.mid)
        sentences.append(
            f"Single estimates range from {least.estimate}% ({least.label}) to {most.estimate}% ({most.label})."
        )
    for name, *block in plot.blocks[:-1]:
        if name.kind != "group":
            continue
        shown = [line for line in block if line.kind == "summary"] or [b for b in block if b.kind == "study"]
        said = "; ".join(f"{line.label} {_spoken(line, text)}" for line in shown)
        sentences.append(f"{name.label}: {said}{'' if shown[0].kind == 'summary' else ', not pooled'}.")
    return sentences


def _spoken(line: Line, text: ForestText) -> str:
    interval = f" ({text.percent} CI {line.interval[1:-1]})" if line.interval else ""
    return f"{line.estimate}%{interval}"
