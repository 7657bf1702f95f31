"""All charts of one analysis beside its forest plots, in one go: what they share is read and imported once."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from ..tables.files import read_table
from .bubble import draw_bubble
from .density import draw_prediction
from .funnel import draw_funnel
from .influence import draw_cumulative, draw_leave_one_out
from .kit.canvas import Drawing
from .kit.readings import ChartText, Readings, version_line
from .kit.save import save_pages
from .kit.style import PRESETS
from .specification import draw_specification_curve
from .subsets import draw_subsets
from .window import draw_window

# File name → what draws it; a bubble plot for each moderator comes on top.
CHARTS: dict[str, Callable[[Readings, ChartText], Drawing]] = {
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
    folder: str,
    *,
    title: str,
    note: str,
    max_days: int | None,
    moderators: Mapping[str, Mapping],
    review: Mapping,
    models: Mapping,
    figures: Mapping,
) -> None:
    """Read the tables of an analysis and write its charts.

    Parameters
    ----------
    tables : mapping
        Name of a field of ``Readings`` → path of its table.
    folder : str
        Where the files go.
    title, note : str
        Of the analysis.
    max_days : int or None
        The longest window the analysis pools.
    moderators : mapping
        Of the analysis: name → ``label`` and ``unit``.
    review, models, figures : mapping
        These parts of the config.
    """
    data = Readings(**{name: read_table(path) for name, path in tables.items()})
    text = ChartText(
        title=title,
        unit=review["unit"],
        level=float(models["level"]),
        version_line=version_line(review, "rows", Path(tables["rows"]).read_bytes()),
        note=note,
        primary=models["primary"],
        draw_prediction_from=models["draw_prediction_from"],
        max_days=max_days,
        sort=figures["sort"],
        preset=figures["preset"],
        palette=figures.get("palette", "default"),
        house=PRESETS[figures["preset"]].layout.house,
    )
    for name, drawing in draw_charts(data, text, moderators):
        save_pages(drawing.pages, Path(folder) / name, figures["formats"], drawing.title, drawing.desc)


def draw_charts(data: Readings, text: ChartText, moderators: Mapping[str, Mapping]) -> Iterator[tuple[str, Drawing]]:
    """Draw every chart of an analysis, one after the other, with the name of its files."""
    bubbles = {
        f"bubble_{name}": partial(
            draw_bubble,
            name=name,
            label=entry["label"],
            unit=entry.get("unit") or "",
            one="" if entry.get("characteristic") else "year",  # without a characteristic: the year of publication
        )
        for name, entry in moderators.items()
    }
    for name, draw in (CHARTS | bubbles).items():
        yield name, draw(data, text)
