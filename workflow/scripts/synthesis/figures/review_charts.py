"""The figures of the whole review, ``results/figures/``: what was found, how good it is, and what stands beside it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ..sheets.screening import read_screening
from ..tables.declared import Row, read
from ..words.marks import as_read
from .evidence_map import draw_evidence_map
from .flow import COLLECTION, draw_flow
from .forest.risk_of_bias import draw_risk_of_bias, draw_summary
from .kit.board import Drawing
from .kit.readings import FigureText, Property, text_of, version_line
from .kit.save import save_drawing
from .published_pools_chart import draw_published
from .ratios import draw_comparisons
from .timeline import draw_timeline

# File name → the tables it rests on: their digest stands below the figure.
FIGURES = {
    "comparisons": ("comparisons", "tables"),
    "published": ("published",),
    "timeline": ("studies", "rows"),
    "evidence_map": ("arms", "rows"),
    "risk_of_bias": ("risk_of_bias", "rows"),
    "risk_of_bias_summary": ("risk_of_bias", "rows"),
    "flow": ("screening", "studies"),
}


def draw_review_file(
    tables: Mapping[str, Sequence[str]],
    folder: str | Path,
    *,
    names: Mapping[str, Mapping[str, str]],
    tools: Mapping[str, Mapping[str, str]],
    precision: Sequence[str],
    properties: Sequence[Mapping],
    review: Mapping,
    models: Mapping,
    figures: Mapping,
) -> None:
    """Read the tables of the review and write its figures.

    ``tables`` are names with paths: ``rows`` of all analyses; ``studies``, ``arms``, ``risk_of_bias``, ``comparisons``,
    ``tables`` (as in the sheets), ``published`` and ``screening``, each one or none. ``names`` has the labels of
    ``analyses`` and ``outcomes``, ``tools`` of each risk-of-bias tool item → question, ``precision`` the questions of
    theirs that are about precision and stand in no figure, ``properties`` two of arms for the map of the evidence, each
    with name, label and levels. The others are these parts of the config; ``review`` has unit, version, search and, if
    it says so, ``collection``.
    """
    read_all = {
        name: [row for path in paths for row in (read_screening if name == "screening" else read)(path)]
        for name, paths in tables.items()
    }
    parts = {"names": names, "tools": tools, "precision": precision}
    parts["properties"] = [Property(**entry) for entry in properties]
    for name, draw in drawings(read_all, parts, review.get("collection") or COLLECTION):
        data = b"".join(Path(path).read_bytes() for table in FIGURES[name] for path in tables[table])
        drawing = draw(text_of(review, models, figures, version_line(review, "tables", data)))
        save_drawing(drawing, Path(folder) / name, figures["formats"])


def drawings(
    tables: Mapping[str, list[Row]], parts: Mapping, collection: str
) -> Iterator[tuple[str, Callable[[FigureText], Drawing]]]:
    """Give each figure's name with what draws it."""
    pooled = [row for row in tables["rows"] if row["use"] == "yes"]
    used = {row["study"] for row in pooled}
    studies = [row for row in tables["studies"] if row["study"] in used]
    names = {**parts["names"], "studies": {row["study"]: row["label"] for row in tables["studies"]}}
    judged = tables["risk_of_bias"], parts["tools"]
    compared = [
        {**row, "label": names["studies"][row["study"]], "source": as_read(row, tables["tables"])["source"]}
        if row["study"]
        else row
        for row in tables["comparisons"]
    ]
    yield "comparisons", lambda text: draw_comparisons(compared, names["outcomes"], text)
    yield "published", lambda text: draw_published(tables["published"], names, text)
    yield "timeline", lambda text: draw_timeline(studies, pooled, text)
    yield "evidence_map", lambda text: draw_evidence_map(pooled, tables["arms"], parts["properties"], text)
    yield "risk_of_bias", lambda text: draw_risk_of_bias(studies, *judged, text, parts["precision"])
    yield "risk_of_bias_summary", lambda text: draw_summary(studies, *judged, text, parts["precision"])
    yield "flow", lambda text: draw_flow(tables["screening"], tables["studies"], used, text, collection)
