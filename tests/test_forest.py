"""Forest plots are checked by what is on them: texts, places, overlaps, marks. Never by pixels.

The numbers are made up or pooled crudely here: what a model gives is tested elsewhere, what a figure prints is tested
here. Studies and counts of ``SMALL`` are those of a published set of four cohorts.
"""

import hashlib
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from math import nan

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from matplotlib.text import Text
from page_checks import find_off_page, find_overlaps
from synthesis.figures.forest.forests import draw_forests_file, model_line
from synthesis.figures.forest.lines import marks_of
from synthesis.figures.forest.plot import axis_upper, draw_forest, read_plot
from synthesis.figures.forest.risk_of_bias import read_judgements
from synthesis.figures.kit import axes, layout
from synthesis.figures.kit.board import Board
from synthesis.figures.kit.dots import SYMBOLS, level_of
from synthesis.figures.kit.presets import PRESETS
from synthesis.figures.kit.readings import FigureText, Property
from synthesis.figures.kit.save import save_drawing
from synthesis.figures.kit.style import PALETTES, contrast, ink
from synthesis.models.proportions import clopper_pearson
from synthesis.tables.declared import write
from synthesis.words import formatting as fmt
from typed_rows import typed

LEVELS = {"a": "Product A", "b": "Product B", "c": "Product C", "d": "Product D"}
OWN, COMMON = "Wald, each group with its own τ²", "likelihood ratio, one τ² for all groups"
PRODUCT = Property("product", "Product", LEVELS)
TEXT = FigureText(
    title="Thrombosis",
    model_line="Random-effects logistic model (binomial likelihood, ML). 95% CI: Wald on the logit scale. "
    "Study intervals: Clopper–Pearson. Prediction interval: t with k − 1 degrees of freedom.",
    version_line="Data version 26.11.0 · 0123456 · 2026-11-23",
)
SMALL = [
    ("Johnsrud 2021", 8, 127),
    ("Hashmi 2020", 16, 148),
    ("Schorr 2023", 10, 140),
    ("Melody 2022", 2, 97),
]
SPLIT = [
    ("Johnsrud 2021", 6, 89, "a"),
    ("Johnsrud 2021", 2, 38, "b"),
    ("Melody 2022", 2, 97, "a"),
    ("Hashmi 2020", 16, 148, "mixed"),
    ("Schorr 2023", 10, 140, "mixed"),
]


def make_rows(studies, subset="all", **columns):
    """Make a block of rows.csv from (label, events, patients[, group])."""
    rows = pd.DataFrame([(*s, "")[:4] for s in studies], columns=["label", "events", "patients", "group"])
    rows["ci_low"], rows["ci_high"] = clopper_pearson(rows["events"], rows["patients"])
    rows["proportion"] = rows["events"] / rows["patients"]
    rows["study"] = rows["label"].str.lower().str.replace(" ", "")
    rows["year"] = pd.to_numeric(rows["label"].str[-4:], errors="coerce")
    given = {"arm": "all", "arm_label": "all", "window": "unstated", "basis": "stated", "use": "yes"}
    given |= {"second_reading": "agree"} | columns
    return rows.assign(subset=subset, **given)


def make_estimate(rows, subset="all", group="", **values):
    """Make a row of estimates.csv: a made-up interval around the crude proportion."""
    k, studies = len(rows), rows["study"].nunique()
    events, patients = int(rows["events"].sum()), int(rows["patients"].sum())
    row = dict.fromkeys(["ci_low", "ci_high", "pi_low", "pi_high", "tau2", "i2", "q", "q_df", "q_p"], nan)
    row |= {"test": nan, "test_df": nan, "test_p": nan, "status": "ok", "estimate": events / patients}
    p = row["estimate"]
    if studies == 1:
        low, high = clopper_pearson(events, patients)
        row |= {"ci_low": float(low), "ci_high": float(high), "status": "one study: not pooled"}
    elif events == 0:
        row |= {"ci_low": 0.0, "ci_high": 1 - 0.05 ** (1 / patients), "status": "no events: exact upper limit only"}
    elif events == patients:
        row |= {"ci_low": 0.05 ** (1 / patients), "ci_high": 1.0, "status": "all events: exact lower limit only"}
    else:
        odds = p / (1 - p) * np.exp([-0.45, 0.45, -1.3, 1.3])
        row |= dict(zip(["ci_low", "ci_high", "pi_low", "pi_high"], odds / (1 + odds), strict=True))
        row |= {"tau2": 0.2117, "i2": 43.21, "q": 14.101, "q_df": k - 1, "q_p": 0.0791}
        row |= {"pi_low": nan, "pi_high": nan} if k < 3 else {}
    base = {"subset": subset, "group": group, "model": "glmm", "k": k, "studies": studies}
    return base | {"events": events, "patients": patients} | row | values


def make_estimates(rows, split=None, test=None, **overall):
    """Make estimates.csv for a block of all studies and, perhaps, a split one."""
    table = [make_estimate(rows, **overall)]
    if split is not None:
        table += [make_estimate(part, "product", group) for group, part in split.groupby("group")]
        none = dict.fromkeys(["estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "q"], nan)
        test = test or {"status": "fewer than two pools", "k": 0, "studies": 0}
        table.append(make_estimate(split, "product", "") | none | test)
    return pd.DataFrame(table)


def many(k, seed=1):
    """Give k studies, with counts of all lengths."""
    rng = np.random.default_rng(seed)
    patients = np.sort(rng.integers(8, 1500, k))
    events = rng.binomial(patients, rng.beta(2, 22, k))
    return [
        (f"{'ABCDEFGHIJKL'[i % 12]}uthor {2000 + i % 25}", int(e), int(n))
        for i, (e, n) in enumerate(zip(events, patients, strict=True))
    ]


def small():
    """Give the four cohorts: rows, split rows, estimates."""
    rows = make_rows(SMALL, window=[90, 100, "unstated", "unstated"])
    split = make_rows(SPLIT, "product", window=[90, 90, "unstated", 100, "unstated"])
    split["basis"] = ["derived", "derived", "stated", "stated", "stated"]
    return rows, split, make_estimates(rows, split)


def long_name():
    """Give a 60-character name, one in Arabic, and what a careless parser stumbles over."""
    names = ["Abcdefghij-Klmnopqrstuvw, Xyzabcdefghi & Jklmnopqrstuvw 2021", "دراسة القاهرة 2022"]
    names += ["Cost $5 and $6 <b> 2020", "Line\nbreak\t2019", "\u202eReversed 2018"]
    rows = make_rows([(name, 3 + i, 60) for i, name in enumerate(names)])
    return rows, make_estimates(rows)


def all_zero():
    """Give an outcome that nobody had."""
    rows = make_rows([("Able 2001", 0, 30), ("Baker 2002", 0, 18), ("Clark 2003", 0, 115)])
    return rows, make_estimates(rows)


def extremes():
    """Give a tiny study with nothing but events beside large ones with few."""
    rows = make_rows([*many(11), ("Zebra 2024", 6, 6)])
    return rows, make_estimates(rows)


def grouped(k):
    """Give k studies over four products, one of them with a single study, and a test."""
    studies = [(*s, "d" if i == 3 else "abc"[i % 3]) for i, s in enumerate(many(k))]
    rows, split = make_rows(studies), make_rows(studies, "product")
    test = {"test_name": OWN, "test": 1.312, "test_df": 2, "test_p": 0.5189, "status": "ok; left out: d (one study)"}
    return rows, split, make_estimates(rows, split, test)


def within_limits():
    """Give counts known only within limits beside exact ones: narrow, wide, and one that leaves the axis."""
    studies = [("Able 2001", 16, 168), ("Baker 2002", 8, 127), ("Clark 2003", 0, 40), ("Davis 2004", 5, 60)]
    rows = make_rows([*studies, ("Evans 2005", 3, 6)], window=["30", "unstated", "90", "90", "30"])
    estimates = make_estimates(rows, events=None, events_from=32, events_to=42)
    rows["events_from"], rows["events_to"] = rows["events"], [17, 8, 4, 9, 5]
    exact = rows["events_from"] == rows["events_to"]
    rows["ci_high"] = clopper_pearson(rows["events_to"], rows["patients"])[1]
    for name in ("events", "proportion"):
        rows[name] = rows[name].astype(object).where(exact, None)
    return rows, estimates


def cases():
    """Give every plot of the specification's list: name, block, estimates, by."""
    rows, split, estimates = small()
    yield "4 studies", rows, estimates, None
    yield "4 studies, split", split, estimates, "product"
    for k in (1, 2, 12, 60):
        rows = make_rows(many(k))
        yield f"{k} studies", rows, make_estimates(rows), None
    for k in (12, 60):
        rows, split, estimates = grouped(k)
        yield f"{k} studies, split", split, estimates, "product"
    yield "long name", *long_name(), None
    yield "all zero", *all_zero(), None
    yield "within limits", *within_limits(), None
    yield "extremes", *extremes(), None
    everybody = make_rows([("Able 2001", 12, 12), ("Baker 2002", 40, 40)])
    yield "all events", everybody, make_estimates(everybody), None
    rare = make_rows([("Able 2001", 3, 1204), ("Baker 2002", 41, 120400), ("Clark 2003", 0, 900)])
    yield "rare", rare, make_estimates(rare), None
    yield "empty", rare[:0], make_estimates(rare)[:0], None


CASES = {case[0]: case[1:] for case in cases()}


def texts(figures):
    """Give every text on the pages, in order of drawing."""
    return [t.get_text() for figure in figures for t in figure.findobj(Text) if t.get_text()]


def drawing_of(block, estimates, text=TEXT, by=None, **options):
    """Draw tables as the reader gives them; a preset or palette is one of the text."""
    text = replace(text, **{key: options.pop(key) for key in ("preset", "palette") if key in options})
    return draw_forest(as_rows(block), as_estimates(estimates), text, by=PRODUCT if by else None, **options)


def as_rows(block):
    """Give a block of rows.csv as its reader does."""
    return typed("rows", block.to_dict("records"))


def as_estimates(table):
    """Give estimates.csv as its reader does."""
    return typed("estimates", table.to_dict("records"))


def draw(name, text=TEXT, **options):
    """Draw the pages of a case."""
    block, estimates, by = CASES[name]
    return drawing_of(block, estimates, text, by, **options).pages


def read_of(block, estimates, text=TEXT, by=None, upper=1.0):
    """Read tables into lines."""
    return read_plot(as_rows(block), as_estimates(estimates), text, by=PRODUCT if by else None, upper=upper)


def plot_of(name, upper=1.0, text=TEXT):
    """Read a case into lines."""
    block, estimates, by = CASES[name]
    return read_of(block, estimates, text, by, upper)


TYPICAL = ("4 studies, split", "12 studies", "long name", "extremes", "rare")  # what strains a layout
EVERYWHERE = [(name, "default") for name in CASES] + [
    (name, preset) for name in TYPICAL for preset in PRESETS if preset != "default"
]


@pytest.mark.parametrize(("name", "preset"), EVERYWHERE)
def test_nothing_overlaps_or_leaves_the_page(name, preset):
    for figure in draw(name, preset=preset):
        assert find_overlaps(figure) == []
        assert find_off_page(figure) == []


def test_a_slide_continues_on_another_one():
    figures = draw("12 studies, split", preset="slide")
    assert len(figures) > 1
    assert {round(figure.get_figheight() * 25.4) for figure in figures} == {143}
    assert [find_overlaps(figure) for figure in figures] == [[]] * len(figures)


def test_the_checks_can_fail():
    page = layout.Page(50, 20)
    page.text(5, 10, "one", size=8, color="black")
    page.text(7, 10, "two", size=8, color="black")
    page.text(48, 15, "three", size=8, color="black")
    assert find_overlaps(page.figure) == [("one", "two")]
    assert find_off_page(page.figure) == ["three"]


def expected_texts(row, decimals):
    """Give events, and estimate with interval, of a row or a pool: both ends of what limits leave possible."""
    if not fmt.is_missing(row["events"]):
        interval = row["estimate"], row["ci_low"], row["ci_high"]
        return fmt.format_count(row["events"]), fmt.format_percent_interval(*interval, decimals)
    ends = row["events_from"], row["events_to"]
    limits = fmt.format_percent_range(row["ci_low"], row["ci_high"], decimals)
    shares = [row["estimate"]] * 2 if row["estimate"] else [events / row["patients"] for events in ends]
    span = fmt.format_within(*shares, lambda share: fmt.format_percent(share, decimals))
    return "{:.0f}–{:.0f}".format(*ends), f"{span} ({limits})"


@pytest.mark.parametrize("name", CASES)
def test_every_number_is_the_formatted_one(name):
    block, estimates, by = CASES[name]
    printed = texts(draw(name))
    shown = [*block["proportion"], *(estimates["estimate"] if by else estimates["estimate"][:1])]
    decimals = fmt.decimals_for(shown)
    expected = []
    pools = estimates[estimates["estimate"].notna() & (estimates["studies"] > 1)]
    for row in [*block.rename(columns={"proportion": "estimate"}).to_dict("records"), *pools.to_dict("records")]:
        if row["subset"] == "product" and by is None:
            continue
        events, full = expected_texts(row, decimals)
        expected += [events, fmt.format_count(row["patients"]), *full.split(" ", 1)]
    for number in set(expected):
        assert printed.count(number) >= expected.count(number), number


def test_printed_estimate_and_interval_touch_and_stay_one_string():
    printed = texts(draw("4 studies"))
    i = printed.index("10.8")
    assert f"{printed[i]} {printed[i + 1]}" == "10.8 (6.3–17.0)"


def test_counts_and_estimates_share_right_edges():
    (figure,) = draw("4 studies, split")
    at = {"Events": 59, "Patients": 74}
    for heading, numbers in {"Events": ["6", "8", "16", "26"], "Patients": ["89", "186", "288"]}.items():
        edges = {round(t.get_position()[0], 6) for t in figure.findobj(Text) if t.get_text() in (heading, *numbers)}
        assert edges == {at[heading]}


def test_long_names_are_cut_and_kept_in_full(tmp_path):
    block, estimates, _ = CASES["long name"]
    (figure,) = draw("long name")
    cut = next(t for t in figure.findobj(Text) if t.get_text().endswith("…"))
    name = block["label"].iloc[0]
    assert layout.text_width(cut.get_text(), 7.5) <= 44
    assert name.startswith(cut.get_text()[:-1])
    save_drawing(drawing_of(block, estimates), tmp_path / "f", ["svg"])
    titles = [e.text for e in ET.parse(tmp_path / "f.svg").iter("{http://www.w3.org/2000/svg}title")]
    assert name in titles


def test_names_are_printed_as_they_are():
    printed = texts(draw("long name"))
    assert "Cost $5 and $6 <b> 2020" in printed
    assert "Line break 2019" in printed
    assert "Reversed 2018" in printed


def test_panels_follow_the_configured_order_and_leftovers_come_last():
    names = [line.label for line in plot_of("4 studies, split").lines if line.kind == "group"]
    assert names == ["Product A", "Product B", "Several, not separable"]
    _, split, estimates = small()
    split["group"] = ["b", "zeta", "", "not reported", "mixed"]
    names = [n.label for n in read_of(split, estimates, by="product").lines if n.kind == "group"]
    assert names == ["Product B", "zeta", "Several, not separable", "Not reported", "Not reported"]


def test_one_study_is_not_pooled():
    kinds = [(n.kind, n.label) for n in plot_of("4 studies, split").lines]
    i = kinds.index(("group", "Product B"))
    assert kinds[i + 1 : i + 3] == [("study", "Johnsrud 2021"), ("remark", "1 study: not pooled")]
    last = plot_of("1 studies").blocks[-1]
    assert [n.label for n in last if n.label] == ["One study: not pooled"]
    assert not any(n.kind in ("overall", "summary") for n in plot_of("1 studies").lines)


def test_a_study_with_several_arms_is_explained():
    (figure,) = draw("4 studies, split")
    notes = " ".join(texts([figure]))
    assert "1 study gives several arms; the overall pool counts each study once." in notes
    assert "No separate data: Product C, Product D." in notes
    assert "‡ Derived from what is printed (a percentage, a list, a difference), not printed as a count." in notes
    # The name stands alone, so that whoever looks for a study finds it; its mark is a text of its own.
    assert texts([figure]).count("Johnsrud 2021") == texts([figure]).count("‡") == 2


def test_arms_of_one_study_in_one_panel_have_names():
    _, split, estimates = small()
    split["group"], split["arm_label"] = "a", ["first", "second", "all", "all", "all"]
    labels = [n.label for n in read_of(split, estimates, by="product").lines if n.kind == "study"]
    assert labels[1:3] == ["Johnsrud 2021, first", "Johnsrud 2021, second"]


def test_all_zero_has_no_diamond_but_an_upper_limit():
    plot = plot_of("all zero")
    overall = next(n for n in plot.lines if n.kind == "overall")
    assert (overall.estimate, overall.interval) == ("0.0", "(0.0–1.8)")
    assert np.isnan(overall.mid)
    assert np.isnan(plot.reference)
    assert any("exact one-sided 95% limit" in note for note, _ in plot.notes)


def test_an_interval_beyond_the_axis_ends_in_an_arrow_and_prints_its_true_limits():
    figures = draw("4 studies", upper=0.10)
    printed = texts(figures)
    assert "(6.3–17.0)" in printed
    assert any("Arrow: interval extends beyond the axis." in t for t in printed)
    triangles = [a for a in figures[0].findobj(lambda a: a.get_label() == "mark") if len_of(a) == 4]
    assert len(triangles) == 3
    assert not any("Arrow" in t for t in texts(draw("4 studies", upper=0.20)))


def len_of(artist):
    """Give the corners of a mark (a closed triangle has four points)."""
    return len(artist.get_xy()) if hasattr(artist, "get_xy") else 0


def test_a_count_within_limits_is_printed_as_a_range_and_drawn_as_the_span_of_its_proportion():
    rows, estimates = within_limits()
    drawing = drawing_of(rows, estimates, upper=0.4)
    shown = texts(drawing.pages)
    assert {"16–17", "0–4", "5–9", "3–5", "32–42"} <= {*shown}
    lines = {line.label: line for line in read_plot(as_rows(rows), as_estimates(estimates), TEXT, upper=0.4).lines}
    able = lines["Able 2001"]
    assert (able.estimate, able.least, able.most) == ("9.5–10.1", 16 / 168, 17 / 168)
    assert able.interval == f"({fmt.format_percent_range(able.low, able.high)})"
    assert lines["Baker 2002"].estimate == "6.3" and np.isnan(lines["Baker 2002"].least)
    assert "9.5–10.1 (5.5–15.7)" in " ".join(shown)
    assert any("Bar instead of a square: a count known only within limits" in text for text in shown)
    assert "32–42 events in 401 patients" in drawing.desc
    exact = drawing_of(*small()[::2])
    assert not any("Bar instead of" in text for text in texts(exact.pages))
    assert "Single estimates range from 0.0% (Clark 2003) to 83.3% (Evans 2005)." in drawing.desc


def test_the_bar_of_a_span_is_as_long_as_the_span_and_ends_where_the_axis_does(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        Board, "bar", lambda board, y, *ends, **style: drawn.append(ends[:2]) if "color" in style else 0
    )
    axes_drawn = []
    monkeypatch.setattr(Board, "axis", lambda board, scale, *more, **style: axes_drawn.append(scale))
    rows, estimates = within_limits()
    drawing_of(rows, estimates, upper=0.6)
    [x], spans = axes_drawn, [(0, 0.1), (16 / 168, 17 / 168), (5 / 60, 9 / 60), (0.5, 0.6)]
    expected = sorted((float(x(low)), min(float(x(high)), x.end)) for low, high in spans)
    lengths = [high - low for low, high in expected]
    assert np.allclose(sorted(drawn)[:1] + sorted(drawn)[-1:], expected[:1] + expected[-1:], atol=0.4)
    assert np.allclose(sorted(b - a for a, b in drawn), sorted(lengths), atol=0.4) and len(drawn) == 4


def test_a_study_of_nothing_but_events_is_whole_at_100_per_cent():
    (figure,) = draw("extremes", upper=1.0)
    assert "100.0" in texts([figure])
    assert not any("Arrow" in t for t in texts([figure]))


def test_axis_end():
    assert axes.axis_end([0.12, 0.17], [0.104]) == 0.20
    assert axes.axis_end([0.04] * 9 + [0.9], []) == 0.15  # one in ten may run over
    assert axes.axis_end([0.04], [0.83]) == 1.0
    assert axes.axis_end([], []) == 0.05
    assert axes.axis_end([0.1], [0.3]) == 0.30
    for end in axes.AXIS_ENDS:
        ticks = axes.axis_ticks(end / 100)
        assert 4 <= len(ticks) <= 6
        assert (ticks[0], ticks[-1]) == (0, end)


def test_one_axis_for_all_plots_of_an_analysis():
    def upper_of(rows, estimates):
        return axis_upper(as_rows(rows), as_estimates(estimates), TEXT)

    rows, split, estimates = small()
    both = pd.concat([rows, split])
    assert upper_of(both, estimates) == 0.20
    wide = estimates.copy()
    wide.loc[wide["group"] == "a", "ci_high"] = 0.33
    assert upper_of(both, wide) == 0.40
    assert upper_of(rows, wide) == 0.20, "a split that is not drawn does not count"


def test_prediction_interval_is_drawn_from_enough_studies_on():
    assert not any(n.kind == "prediction" for n in plot_of("4 studies").lines)
    assert any("No prediction interval is drawn below 5 studies." in n for n, _ in plot_of("4 studies").notes)
    line = next(n for n in plot_of("12 studies").lines if n.kind == "prediction")
    estimate = CASES["12 studies"][1].iloc[0]
    assert line.interval == f"({fmt.format_percent_range(estimate['pi_low'], estimate['pi_high'])})"
    assert (line.low, line.high) == (estimate["pi_low"], estimate["pi_high"])


def test_caveats_stand_only_where_they_are_true():
    flat = "τ² was estimated at 0"
    rows = make_rows(many(12))
    notes = [note for note, _ in read_of(rows, make_estimates(rows, tau2=0.0)).notes]
    assert any(flat in note for note in notes)
    assert not any(flat in note for note, _ in plot_of("12 studies").notes)
    assert any("1 study with no events is included without correction." in n for n, _ in plot_of("rare").notes)
    block, estimates, _ = CASES["rare"]
    half = read_of(block, estimates.assign(model="logit-reml"), replace(TEXT, primary="logit-reml"))
    assert any("half an event added" in note for note, _ in half.notes)
    assert not any("no events" in note for note, _ in plot_of("4 studies").notes)


def test_a_pool_that_failed_says_so():
    rows, _, _ = small()
    estimates = make_estimates(rows, estimate=nan, ci_low=nan, ci_high=nan, status="did not converge: flat")
    plot = read_of(rows, estimates)
    assert next(n for n in plot.lines if n.kind == "overall").estimate == "–"
    assert any("Not pooled: did not converge: flat." in note for note, _ in plot.notes)


def test_lines_below_the_axis_in_order():
    notes = [note for note, _ in plot_of("12 studies, split").notes]
    assert notes[0] == "Heterogeneity: τ² = 0.21 (logit scale); I² = 43%; χ² = 14.10, df = 11, P = 0.08"
    printed = "χ² = 1.31, df = 2, P = 0.52 (3 of 4 groups compared; left out: Product D (one study))"
    assert notes[1] == f"Test for subgroup differences: {OWN}, as drawn: {printed}"
    assert notes[2].startswith("Random-effects logistic model")
    assert notes[2].endswith("Square area: number of patients.")
    assert notes[-1] == TEXT.version_line
    impossible = [note for note, _ in plot_of("4 studies, split").notes][1]
    assert impossible == "Test for subgroup differences: not possible (fewer than two pools)"


def test_tau2_is_on_the_scale_of_the_primary_model():
    """It was called logit whatever the model was."""
    block, estimates, _ = CASES["12 studies"]
    plot = read_of(block, estimates.assign(model="arcsine-reml"), replace(TEXT, primary="arcsine-reml"))
    assert plot.notes[0][0].startswith("Heterogeneity: τ² = 0.21 (arcsine square-root scale)")


def test_a_prediction_interval_is_called_what_it_is_and_only_where_it_is_drawn():
    """It was called one of t whatever the model was, and said of models that give none."""

    def said(primary, **values):
        pool = make_estimate(make_rows(many(12)), **values)
        (row,) = typed("estimates", [pool | {"model": primary}])
        return model_line(row, replace(TEXT, primary=primary), "wilson")

    assert said("glmm").endswith("Prediction interval: t, 11 df.")
    assert said("bayes").endswith("Prediction interval: predictive distribution of a new study.")
    assert "Prediction interval" not in said("crude", pi_low=nan, pi_high=nan)


def test_the_number_of_one_study_is_no_model_s():
    pool = make_estimate(make_rows(SMALL[:1]), status="one study: not pooled")
    (row,) = typed("estimates", [pool | {"model": "bayes"}])
    for pooled in (row, {}):
        assert model_line(pooled, replace(TEXT, primary="bayes"), "wilson") == "Study intervals: Wilson."


def test_the_test_printed_belongs_to_the_pools_drawn():
    """Diamonds with a τ² each beside a P value of the model with one τ² for all are two answers to two questions."""
    _, split, estimates = grouped(12)
    test = estimates.iloc[-1:].assign(model="glmm-common", test_name=COMMON, test=9.876, test_p=0.0196)

    def note(**common):
        both = pd.concat([estimates, test.assign(**common)], ignore_index=True)
        return read_of(split, both, by="product").notes[1][0].removeprefix("Test for subgroup differences: ")

    own = f"{OWN}, as drawn: χ² = 1.31, df = 2, P = 0.52 (3 of 4 groups compared; left out: Product D (one study))"
    assert note(test_df=2) == own
    more = f"{COMMON}, not as drawn: χ² = 9.88, df = 3, P = 0.02 (4 of 4 groups compared)"
    assert note(test_df=3, status="ok") == f"{own}. L{more[1:]}"
    estimates.loc[estimates.index[-1], ["test", "test_name", "status"]] = nan, "", "fewer than two pools"
    assert note(test_df=3, status="ok") == more


@pytest.mark.parametrize("sort", ["year", "label", "estimate", "patients"])
def test_order_of_studies_does_not_depend_on_the_file(sort):
    block, estimates, _ = CASES["60 studies"]
    text = replace(TEXT, sort=sort)
    shuffled = block.sample(frac=1, random_state=3)
    assert read_of(block, estimates, text).lines == read_of(shuffled, estimates, text).lines


def test_sorting():
    def order(sort):
        lines = plot_of("4 studies", text=replace(TEXT, sort=sort)).lines
        return [line.label.split()[0] for line in lines if line.kind == "study"]

    assert order("year") == ["Hashmi", "Johnsrud", "Melody", "Schorr"]
    assert order("patients") == ["Hashmi", "Schorr", "Johnsrud", "Melody"]
    assert order("estimate") == ["Melody", "Johnsrud", "Schorr", "Hashmi"]


@pytest.mark.parametrize(("name", "pages"), [("60 studies", 2), ("60 studies, split", 3)])
def test_long_plots_continue_on_another_page(name, pages):
    figures = draw(name)
    assert len(figures) == pages
    labels = [line.label for line in plot_of(name).lines if line.kind == "study"]
    printed = texts(figures)
    assert sorted(t for t in printed if t in set(labels)) == sorted(labels)
    for figure in figures:
        assert {"Study", "Events", "Patients"} <= set(texts([figure]))
        assert figure.get_figheight() * 25.4 <= 297
    assert f"Continued on page 2 of {pages}" in texts(figures[:1])


def test_unused_rows_are_not_drawn():
    block, estimates, _ = CASES["4 studies"]
    extra = block.iloc[:1].assign(label="Unused 1999", use="no")
    assert "Unused 1999" not in texts(drawing_of(pd.concat([block, extra]), estimates).pages)


def test_arms_are_counted_as_arms_and_studies_as_studies():
    """Six arms of four studies: too few studies for a prediction interval, and k is four in figure, note and text."""
    block = make_rows([*SMALL, ("Melody 2022", 5, 61), ("Melody 2022", 0, 40)])
    estimates = pd.DataFrame([make_estimate(block, pi_low=0.01, pi_high=0.3, tau2=0.2)])
    drawing = drawing_of(block, estimates)
    printed = " ".join(texts(drawing.pages))
    assert "All studies (k = 4, 6 arms)" in printed
    assert "No prediction interval is drawn below 5 studies." in printed and "95% prediction interval" not in printed
    assert "1 arm with no events is included" in printed
    assert "4 studies (k = 4, 6 arms)" in drawing.desc


def test_alt_text_tells_the_message():
    block, estimates, by = CASES["12 studies, split"]
    drawing = drawing_of(block, estimates, by=by)
    title, desc = drawing.title, drawing.desc
    overall = estimates.iloc[0]
    assert title == "Forest plot: Thrombosis by product"
    assert "12 studies (k = 12)" in desc
    assert fmt.format_count(overall["patients"]) in desc
    limits = fmt.format_percent_range(overall["ci_low"], overall["ci_high"])
    assert f"{fmt.format_percent(overall['estimate'])}% (95% CI {limits})" in desc
    assert "95% prediction interval" in desc
    assert "Product D" in desc and "not pooled" in desc
    zero = drawing_of(*CASES["all zero"][:2]).desc
    assert "0.0% (95% CI 0.0–1.8)" in zero
    assert "One study: not pooled." in drawing_of(*CASES["1 studies"][:2]).desc


def save(folder, name="4 studies, split", formats=("svg", "pdf", "png"), **options):
    """Draw and save a case; give the digest of each file."""
    block, estimates, by = CASES[name]
    paths = save_drawing(drawing_of(block, estimates, by=by, **options), folder / "thrombosis" / "forest", formats)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_two_runs_give_the_same_bytes(tmp_path):
    first = save(tmp_path / "one")
    assert list(first) == ["forest.svg", "forest.pdf", "forest.png"]
    assert save(tmp_path / "two") == first
    assert not [p for p in tmp_path.rglob(".*") if p.is_file()], "a half-written file is left"


def test_the_users_settings_change_nothing(tmp_path):
    import matplotlib as mpl

    first = save(tmp_path / "one", formats=["svg"])
    with mpl.rc_context({"font.family": ["serif"], "savefig.dpi": 50, "savefig.bbox": "tight", "svg.fonttype": "path"}):
        assert save(tmp_path / "two", formats=["svg"]) == first


def test_svg_is_valid_searchable_and_described(tmp_path):
    save(tmp_path, "long name", ["svg"])
    source = (tmp_path / "thrombosis" / "forest.svg").read_text(encoding="utf-8")
    root = ET.fromstring(source)
    svg = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    described = [root.find(svg + name).get("id") for name in ("title", "desc")]
    assert root.get("aria-labelledby").split() == described
    words = [e.text for e in root.iter(svg + "text")]
    assert "Cost $5 and $6 <b> 2020" in words
    assert "دراسة القاهرة 2022" in words
    assert "font-family: Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif" in source
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert all(i.startswith("thrombosis-forest-") for i in ids)
    assert "20" + "26-" not in source.replace(TEXT.version_line, ""), "no clock"


def test_pages_left_over_are_removed(tmp_path):
    save(tmp_path, "60 studies", ["svg"])
    folder = tmp_path / "thrombosis"
    assert sorted(p.name for p in folder.iterdir()) == ["forest.svg", "forest_2.svg"]
    save(tmp_path, "4 studies", ["svg"])
    assert [p.name for p in folder.iterdir()] == ["forest.svg"]


def test_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"jpeg.*expected one of svg, pdf, png"):
        save(tmp_path, formats=["jpeg"])


def test_grey_palette_and_slide_draw_the_same_texts():
    assert texts(draw("4 studies", palette="grey")) == texts(draw("4 studies"))
    (slide,) = draw("4 studies", preset="slide")
    assert tuple(round(v * 25.4) for v in slide.get_size_inches()) == (254, 143)


def test_drawing_does_not_import_pyplot():
    code = "import sys, synthesis.figures.forest.plot, synthesis.figures.kit.save\n"
    code += "assert 'matplotlib.pyplot' not in sys.modules"
    scripts = str(ROOT / "workflow" / "scripts")
    done = subprocess.run([sys.executable, "-c", code], cwd=scripts, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_marks_of_honesty():
    row = {"study": "x", "report": "", "source": "Abstract", "basis": "reconstructed", "second_reading": ""}
    row["outcome"] = "veins"
    assert marks_of(row, replace(TEXT, overlaps=frozenset({"x"}), parts={"veins": "Veins"})) == "#†‡§¶"
    assert marks_of(row | {"source": "table 2", "basis": "stated", "second_reading": "agree"}, TEXT) == ""
    rows = make_rows(SMALL, source="abstract", second_reading=["agree", "agree", "", "disagree"])
    text = replace(TEXT, overlaps=frozenset({"melody2022"}), unit="babies")
    plot = read_of(rows, make_estimates(rows), text)
    marks = {line.label: line.marks for line in plot.lines if line.kind == "study"}
    assert marks == {"Hashmi 2020": "†", "Johnsrud 2021": "†", "Melody 2022": "†§¶", "Schorr 2023": "†§"}
    notes = " ".join(note for note, _ in plot.notes)
    assert "† Read in an abstract only. § Read once, or not confirmed by a second reader. ¶ May share babies" in notes
    assert "‡" not in notes


def test_what_stands_in_for_the_outcome_asked_for_is_marked():
    rows = make_rows(SMALL, outcome=["clots", "veins", "veins", "clots"])
    marked = read_of(rows, make_estimates(rows), replace(TEXT, parts={"veins": "Thrombosis of veins"}))
    lines = [line for line in marked.lines if line.kind == "study"]
    assert [line.marks.count("#") for line in lines] == [int(o == "veins") for o in in_order(rows, lines)]
    assert "# Counts only thrombosis of veins." in " ".join(note for note, _ in marked.notes)
    assert "#" not in " ".join(note for note, _ in read_of(rows, make_estimates(rows), TEXT).notes)


def in_order(rows, lines):
    """Give the outcome of each study in the order it is drawn."""
    outcome = dict(zip(rows["label"], rows["outcome"], strict=True))
    return [outcome[line.label] for line in lines]


def test_each_house_prints_the_same_numbers_in_its_own_way():
    printed = {preset: texts(draw("4 studies, split", preset=preset)) for preset in PRESETS}
    for name, percent, counts, heading, overall, p in [
        ("default", "(6.3–17.0)", "16", "Study", "All studies (k = 4)", "P = 0.08"),
        ("slide", "(6.3–17.0)", "16", "Study", "All studies (k = 4)", "P = 0.08"),
        ("jama", "(6.3–17.0)", "16/148", "Source", "Overall (k = 4)", "P = .08"),
        ("bmj", "(6.3 to 17.0)", "16/148", "Study", "Overall (k = 4)", "P = 0.08"),
        ("revman", "[6.3, 17.0]", "16", "Study or subgroup", "Total (k = 4)", "P = 0.08"),
    ]:
        assert {percent, counts, heading, overall} <= set(printed[name]), name
        assert any(p in words for words in printed[name]), name
    assert "Subtotal (k = 2)" in printed["revman"]
    assert "[95% CI]" in printed["revman"]


def test_the_title_of_the_bmj_stands_below_the_axis():
    def place(preset, words):
        (figure,) = draw("4 studies", preset=preset)
        return next(t for t in figure.findobj(Text) if t.get_text() == words).get_position()[1]

    assert place("default", "Thrombosis") < place("default", "Study")
    assert place("bmj", "Thrombosis") > place("bmj", "Patients with event, %")


def test_colours_stand_out():
    for name, palette in PALETTES.items():
        for part in ("text", "notes"):
            assert contrast(getattr(palette, part), "#ffffff") >= 4.5, (name, part)
        for part in ("study", "overall", "prediction", "edge"):
            assert contrast(getattr(palette, part), "#ffffff") >= 3, (name, part)
        for level in SYMBOLS:
            fill = getattr(palette, level)
            assert contrast(fill, ink(fill)) >= 4.5, (name, level)


TOOLS = {"checklist": {"frame": "Was the frame right?", "sample": "Was the sample right?", "size": "Were they enough?"}}
JUDGED = [
    ("johnsrud2021", "frame", "yes"),
    ("johnsrud2021", "sample", "no"),
    ("johnsrud2021", "size", "unclear"),
    ("melody2022", "frame", "no"),
]


def judgements(rows=JUDGED, tool="checklist"):
    """Make rows of risk_of_bias.csv."""
    return [dict(zip(("study", "item", "judgement"), row, strict=True)) | {"tool": tool} for row in rows]


def with_risk(**options):
    """Draw the four cohorts with their risk of bias."""
    rows, _, estimates = small()
    studies = list(rows["study"])
    judged = read_judgements(judgements(), studies, TOOLS)
    return judged, drawing_of(rows, estimates, judged=judged, **options)


@pytest.mark.parametrize("preset", PRESETS)
def test_risk_of_bias_beside_the_forest(preset):
    judged, drawing = with_risk(preset=preset)
    figures = drawing.pages
    for figure in figures:
        assert find_overlaps(figure) == []
        assert find_off_page(figure) == []
    printed = texts(figures)
    assert judged.dots("johnsrud2021") == ("low", "high", "some")
    assert judged.dots("melody2022") == ("high", "unjudged", "unjudged")
    assert judged.dots("hashmi2020") == ("unjudged",) * 3, "a study that was not judged is shown as such"
    assert [printed.count(symbol) for symbol in "+?–0"] == [2, 2, 3, 10], "once more in the key; one 0 is a tick"
    assert {"D1", "D2", "D3", "Not judged", "Unclear", "Yes: low risk of bias", "No: high risk of bias"} <= set(printed)
    assert "D1 Was the frame right?" in printed
    assert printed.count("Window") == len(figures) and "90 d" in printed, "dots take no room from the windows"


def test_risk_of_bias_in_words():
    _, drawing = with_risk()
    title, desc = drawing.title, drawing.desc
    assert title == "Forest plot: Thrombosis, with risk of bias"
    assert "Johnsrud 2021: yes: low risk of bias D1; unclear D3; no: high risk of bias D2." in desc
    assert "Hashmi 2020: not judged D1, D2, D3." in desc


def test_a_judgement_nobody_knows_is_refused():
    assert level_of("Some  concerns") == "some"
    with pytest.raises(ValueError, match=r'"perhaps".*expected one of yes, low'):
        level_of("perhaps")


def test_files_of_an_analysis(tmp_path):
    rows, split, estimates = small()
    write(tmp_path / "rows.csv", as_rows(pd.concat([rows, split]).assign(analysis="x")))
    write(tmp_path / "estimates.csv", as_estimates(estimates))
    draw_forests_file(
        *(tmp_path / name for name in ("rows.csv", "estimates.csv")),
        tmp_path / "out",
        title="Thrombosis",
        note="",
        splits={
            "product": {"label": "Product", "levels": LEVELS},
            "disease": {"label": "Disease", "levels": {"l": "One"}},
        },
        judgements=[],
        overlaps=[("melody2022", "schorr2023"), ("hashmi2020", "indiana2022")],
        tools=TOOLS,
        review={"unit": "patients", "version": "1", "search": "2026"},
        models={"primary": "glmm", "level": 0.95, "study_interval": "wilson", "draw_prediction_from": 5},
        figures={"preset": "jama", "palette": "grey", "sort": "year", "shared_axis": True, "formats": ["svg"]},
    )
    desc = {
        path.stem: ET.parse(path).find("{http://www.w3.org/2000/svg}desc").text for path in (tmp_path / "out").iterdir()
    }
    assert set(desc) == {"forest", "forest_product", "forest_disease", "forest_risk_of_bias"}
    assert desc["forest_disease"] == "Not drawn: this analysis is not split by disease."
    assert desc["forest_risk_of_bias"] == "Not drawn: no pooled study has been judged for risk of bias."
    assert desc["forest"].startswith("Forest plot of the share of patients")
    assert "P = .08" in desc["forest"]
    source = (tmp_path / "out" / "forest.svg").read_text()
    assert source.count("¶") == 3, "two of one pool, and the legend; not the one whose partner is elsewhere"
    assert PALETTES["grey"].study in source and PALETTES["jama"].study not in source
