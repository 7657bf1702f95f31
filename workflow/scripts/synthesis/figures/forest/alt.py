"""The alternative text of a forest plot: its message in sentences, for those who do not see it."""

from ...tables.pools import Row, events_text
from ...words import formatting as fmt
from ...words.prose import agree, inside
from ..kit.dots import SYMBOLS
from ..kit.layout import clean_text
from ..kit.readings import FigureText, studies_of
from ..kit.table import Plot, said_range
from .lines import count_studies


def describe_forest(plot: Plot, overall: Row, text: FigureText) -> str:
    """Say what a plot shows: studies, events, the pooled value with its intervals, the range, each panel, the tests."""
    sentences = [f"Forest plot of the share of {text.unit} with an event, {clean_text(plot.title)}."]
    lines = {line.kind: line for line in plot.blocks[-1]}
    if overall and overall["k"]:
        k = count_studies(overall["studies"], overall["k"])
        events = f"{events_text(overall)} {agree(overall['events'], 'event', 'events')}"
        counts = f"{events} in {fmt.format_count(overall['patients'])} {text.unit}"
        sentences.append(f"{studies_of(overall['studies'])} ({k}), {counts}.")
    if "overall" in lines:
        sentences.append(f"Pooled over all studies: {lines['overall'].said(text)}.")
    elif "remark" in lines:
        sentences.append(f"{lines['remark'].label}.")
    if "prediction" in lines:
        sentences.append(f"{lines['prediction'].label}: {lines['prediction'].interval[1:-1]}%.")
    dark = [words if words.endswith(".") else f"{words}." for words, is_dark in plot.notes if is_dark]
    return " ".join([*sentences, *describe_studies(plot, text), *dark, *describe_risk(plot)])


def describe_studies(plot: Plot, text: FigureText) -> list[str]:
    """Give the range of the studies, and each panel of a split plot."""
    studies = [line for line in plot.lines if line.kind == "study"]
    sentences = [f"Single estimates range from {said_range(studies)}."] if len(studies) > 1 else []
    for name, *block in plot.blocks[:-1]:
        if name.kind == "group":
            pools = [line for line in block if line.kind == "summary"]
            shown = pools or [line for line in block if line.kind == "study"]
            said = "; ".join(f"{line.label} {line.said(text)}" for line in shown)
            sentences.append(f"{name.label}: {said}{'' if pools else ', not pooled'}.")
    return sentences


def describe_risk(plot: Plot) -> list[str]:
    """Give the judgements of each study, item by item."""
    if not plot.key:
        return []
    sentences = ["Risk of bias, item by item:"]
    for line in (line for line in plot.lines if line.kind == "study"):
        judged = [(level, [c for c, d in zip(plot.dots, line.dots, strict=False) if d == level]) for level in SYMBOLS]
        said = "; ".join(f"{inside(plot.key.levels[level])} {', '.join(items)}" for level, items in judged if items)
        sentences.append(f"{line.label}: {said}.")
    return sentences
