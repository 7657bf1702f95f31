"""The alternative text of a forest plot: its message in sentences, for those who do not see it."""

import pandas as pd

from ...words import formatting as fmt
from ...words.prose import inside, plural
from ..kit.dots import SYMBOLS
from ..kit.layout import clean_text
from ..kit.table import Line, Plot
from .diamonds import find_pool
from .lines import ForestText, count_studies
from .plot import NOBODY, Judged, read_plot


def describe_forest(
    rows_block: pd.DataFrame,
    estimates: pd.DataFrame,
    text: ForestText,
    *,
    by: str | None = None,
    judged: Judged = NOBODY,
) -> tuple[str, str]:
    """Give the alternative text of a forest plot.

    Returns
    -------
    title, desc : str
        What it is; and its message in sentences: studies, events, the pooled value with its intervals, what
        stands out, heterogeneity, and each panel of a split plot.
    """
    plot = read_plot(rows_block, estimates, text, by, judged=judged)
    title = f"Forest plot: {clean_text(plot.title)}"
    overall = find_pool(estimates, "all", "", text.primary)
    sentences = [f"Forest plot of the share of {text.unit} with an event, {clean_text(plot.title)}."]
    lines = {line.kind: line for line in plot.blocks[-1]}
    if overall is not None and overall["k"]:
        sentences.append(
            f"{plural(overall['studies'], 'study', 'studies')} ({count_studies(overall['studies'], overall['k'])}), "
            f"{plural(overall['events'], 'event')} in {fmt.format_count(overall['patients'])} {text.unit}."
        )
    if "overall" in lines:
        sentences.append(f"Pooled over all studies: {_spoken(lines['overall'], text)}.")
    elif "remark" in lines:
        sentences.append(f"{lines['remark'].label}.")
    if "prediction" in lines:
        sentences.append(f"{lines['prediction'].label}: {lines['prediction'].interval[1:-1]}%.")
    sentences += describe_studies(plot, text) + [s if s.endswith(".") else f"{s}." for s, dark in plot.notes if dark]
    if judged.key:
        sentences += describe_risk(plot, judged)
    return title, " ".join(sentences)


def describe_risk(plot: Plot, judged: Judged) -> list[str]:
    """Give the judgements of each study, item by item."""
    sentences = ["Risk of bias, item by item:"]
    for line in (line for block in plot.blocks for line in block if line.kind == "study"):
        levels = {
            level: [c for c, d in zip(judged.columns, line.dots, strict=False) if d == level] for level in SYMBOLS
        }
        said = "; ".join(f"{inside(judged.key.levels[k])} {', '.join(v)}" for k, v in levels.items() if v)
        sentences.append(f"{line.label}: {said}.")
    return sentences


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
