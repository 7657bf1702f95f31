"""All charts of one analysis beside its forest plots, in one go: what they share is read and imported once."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..tables.declared import read
from .bubble import draw_bubble
from .density import draw_prediction
from .funnel import draw_funnel
from .influence import draw_cumulative, draw_leave_one_out
from .kit.board import Drawing
from .kit.readings import FigureText, Readings, text_of, version_line
from .kit.save import save_drawing
from .specification import draw_specification_curve
from .subsets import draw_subsets
from .window import draw_window

# File name → what draws it; a bubble plot for each moderator comes on top.
CHARTS: dict[str, Callable[[Readings, FigureText], Drawing]] = {
    "leave_one_out": draw_leave_one_out,
    "cumulative": draw_cumulative,
    "specification_curve": draw_specification_curve,
    "subsets": draw_subsets,
    "window": draw_window,
    "funnel": draw_funnel,
    "prediction": draw_prediction,
}


def draw_charts_file(
    tables: Mapping[str, str],
    folder: str | Path,
    *,
    moderators: Mapping[str, Mapping],
    review: Mapping,
    models: Mapping,
    figures: Mapping,
    **words,
) -> None:
    """Read the tables of an analysis (field of ``Readings`` → path) and write its charts.

    ``moderators`` are those of the analysis, with ``label`` and ``unit``; ``review``, ``models`` and ``figures`` these
    parts of the config; ``words`` are title, note, max_days (the longest window) and outcomes (name → label) of the
    analysis.
    """
    data = Readings(**{name: read(path) for name, path in tables.items()})
    version = version_line(review, "rows", Path(tables["rows"]).read_bytes())
    text = text_of(review, models, figures, version, **words)
    for name, drawing in draw_charts(data, text, moderators):
        save_drawing(drawing, Path(folder) / name, figures["formats"])


def draw_charts(data: Readings, text: FigureText, moderators: Mapping[str, Mapping]) -> Iterator[tuple[str, Drawing]]:
    """Draw every chart of an analysis, one after the other, with the name of its files."""
    for name, draw in CHARTS.items():
        yield name, draw(data, text)
    for name, entry in moderators.items():
        one = "" if entry.get("characteristic") else "year"  # without a characteristic: the year of publication
        yield f"bubble_{name}", draw_bubble(data, text, name, entry["label"], entry.get("unit") or "", one)
