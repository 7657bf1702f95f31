"""The figures of the whole review, ``results/figures/``: what was found, how good it is, and what stands beside it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ..sheets.screening import read_screening
from ..tables.files import read_table
from ..words.marks import as_read
from .evidence_map import Property, draw_evidence_map
from .flow import COLLECTION, draw_flow
from .forest.risk_of_bias import draw_risk_of_bias, draw_summary
from .kit.canvas import Drawing
from .kit.presets import PRESETS
from .kit.readings import ChartText, Row, version_line
from .kit.save import save_pages
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
Tables = Mapping[str, list[Row]]


def draw_review_file(
    tables: Mapping[str, Sequence[str]],
    folder: str | Path,
    *,
    names: Mapping[str, Mapping[str, str]],
    tools: Mapping[str, Mapping[str, str]],
    properties: Sequence[Mapping],
    review: Mapping,
    models: Mapping,
    figures: Mapping,
) -> None:
    """Read the tables of the review and write its figures.

    Parameters
    ----------
    tables : mapping
        Name → paths: ``rows`` of all analyses; ``studies``, ``arms``, ``risk_of_bias``, ``comparisons``,
        ``tables`` (as in the sheets), ``published`` and ``screening``, each one or none.
    folder : path
    names : mapping
        ``analyses`` and ``outcomes``: name → label.
    tools : mapping
        Risk-of-bias tool → item → question.
    properties : sequence of mappings
        Two properties of arms for the map of the evidence: name, label, levels.
    review, models, figures : mapping
        These parts of the config; ``review`` has unit, version, search and, if it says so, ``collection``.
    """
    readers = {"screening": read_screening}
    read = {
        name: [row for path in paths for row in readers.get(name, read_table)(path)] for name, paths in tables.items()
    }
    parts = {"names": names, "tools": tools, "properties": [Property(**entry) for entry in properties]}
    collection = review.get("collection") or COLLECTION
    for name, draw in drawings(read, parts, collection):
        paths = [path for table in FIGURES[name] for path in tables.get(table, ())]
        line = version_line(review, "tables", b"".join(Path(path).read_bytes() for path in paths))
        drawing = draw(review_text(review, models, figures, line))
        save_pages(drawing.pages, Path(folder) / name, figures["formats"], drawing.title, drawing.desc)


def drawings(
    tables: Tables, parts: Mapping, collection: str = COLLECTION
) -> Iterator[tuple[str, Callable[[ChartText], Drawing]]]:
    """Give each figure's name with what draws it."""
    pooled = [row for row in tables["rows"] if row["use"] == "yes"]
    used = {row["study"] for row in pooled}
    studies = [row for row in tables["studies"] if row["study"] in used]
    names = {**parts["names"], "studies": {row["study"]: row["label"] for row in tables["studies"]}}
    risk, tools = tables["risk_of_bias"], parts["tools"]
    compared = [
        {**row, "label": names["studies"][row["study"]], "source": as_read(row, tables["tables"])["source"]}
        if row["study"]
        else row
        for row in tables["comparisons"]
    ]
    yield "comparisons", lambda text: draw_comparisons(compared, names["outcomes"], text)
    yield "published", lambda text: draw_published(tables.get("published", ()), names, text)
    yield "timeline", lambda text: draw_timeline(studies, pooled, text)
    yield "evidence_map", lambda text: draw_evidence_map(pooled, tables["arms"], parts["properties"], text)
    yield "risk_of_bias", lambda text: draw_risk_of_bias(studies, risk, tools, text)
    yield "risk_of_bias_summary", lambda text: draw_summary(studies, risk, tools, text)
    yield "flow", lambda text: draw_flow(tables.get("screening", ()), tables["studies"], used, text, collection)


def review_text(review: Mapping, models: Mapping, figures: Mapping, line: str) -> ChartText:
    """Give what the figures say beside their numbers."""
    return ChartText(
        title="",
        unit=review["unit"],
        level=float(models["level"]),
        version_line=line,
        primary=models["primary"],
        sort=figures["sort"],
        preset=figures["preset"],
        palette=figures.get("palette", "default"),
        house=PRESETS[figures["preset"]].layout.house,
    )
