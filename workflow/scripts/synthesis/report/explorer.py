"""What the explorer looks up: every selection of studies, pooled beforehand, as the text it prints.

The page does no statistics. It knows each selection by the studies that are left out, prints the text found there, and
draws from the printed numbers.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import comb

from ..figures.kit.layout import axis_end
from ..tables.files import number
from ..words.formatting import format_count, format_percent_interval, format_percent_range, format_tau2
from ..words.marks import legend
from ..words.model_names import DESCRIPTIONS
from .about import UNKNOWN_LEVELS, Review, Row, row_key
from .answers import second_reading_words, window_words
from .html_tables import doi_address, sheet_address
from .summary import pool_numbers
from .superscripts import row_marks

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def explorer_data(review: Review, budget: int = 1_300_000) -> dict:
    """Give all the page's script needs.

    Parameters
    ----------
    review : Review
    budget : int
        Characters that the records of all analyses may take together.

    Returns
    -------
    dict
        ``analyses`` in order (rows, pools), ``counts`` (row key → provenance), and words.
    """
    shown = [analysis for analysis in review.analyses if review.used(analysis)]
    share = _shares({a: _cost(review, a) for a in shown}, budget)
    return {
        "level": review.level,
        "unit": review.unit,
        "filters": filters(review),
        "analyses": [analysis_data(review, analysis, share[analysis]) for analysis in shown],
        "counts": {row_key(row): provenance(review, row) for a in shown for row in review.used(a)},
    }


def filters(review: Review) -> list[dict]:
    """Give the properties studies can be chosen by: those the forest plots are split by."""
    return [
        {"name": name, "label": review.variable(name), "levels": dict(review.choices["variables"][name]["levels"])}
        for name in review.choices["figures"]["forest_by"]
    ]


def analysis_data(review: Review, analysis: str, limit: int) -> dict:
    """Give one analysis: its rows in order, and its pools by model and selection.

    Parameters
    ----------
    review : Review
    analysis : str
    limit : int
        Selections with more studies left out than this are not carried.
    """
    rows, decimals, places = review.used(analysis), review.decimals(analysis), places_of(review, analysis)
    limit = min(limit, complete(review, analysis))
    pools = {name: {} for name in models_of(review, analysis)}
    for row in review.table(analysis, "estimates"):
        if row["subset"] == "all" and row["model"] in pools:
            pools[row["model"]][""] = record(row, decimals)
    for row, gone in selections(review, analysis):
        if len(gone) <= limit and row["model"] in pools:
            pools[row["model"]][selection_key(gone, len(places))] = record(row, decimals)
    return {
        "id": analysis,
        "label": review.analyses[analysis]["label"],
        "note": review.analyses[analysis].get("note") or "",
        "axis": axis(review, analysis),
        "exact": limit >= len(places) - 1,
        "limit": limit,
        "models": [{"name": name, "label": DESCRIPTIONS.get(name, name)} for name in pools],
        "legend": [f"{mark} {meaning}" for mark, meaning in legend((row_marks(review, r) for r in rows), review.unit)],
        "studies": len(places),
        "rows": [row_data(review, row, decimals) | {"place": places[row["study"]]} for row in rows],
        "pools": pools,
    }


def complete(review: Review, analysis: str) -> int:
    """Give up to how many studies may be left out with every such selection in the table of the primary model.

    Of many studies the table holds a sample: all with one or two left out, and some with more.
    """
    k = len(places_of(review, analysis))
    sizes = Counter(len(gone) for row, gone in selections(review, analysis) if row["model"] == review.primary)
    layers = range(1, k)
    return next((size - 1 for size in layers if sizes[size] < comb(k, size)), max(0, k - 1))


def models_of(review: Review, analysis: str) -> list[str]:
    """Name the models of an analysis, the primary one first."""
    found = [r["model"] for r in review.table(analysis, "estimates") if r["subset"] == "all"]
    return list(dict.fromkeys([*(m for m in found if m == review.primary), *found]))


def selections(review: Review, analysis: str) -> Iterable[tuple[Row, tuple[int, ...]]]:
    """Give each pooled selection with the places of the studies it leaves out, with all their arms."""
    order = places_of(review, analysis)
    for row in review.table(analysis, "subsets"):
        inside = set(row["studies"].split(";"))
        if inside <= order.keys():
            yield row, tuple(sorted(order[study] for study in order.keys() - inside))


def places_of(review: Review, analysis: str) -> dict[str, int]:
    """Give the place of each study of an analysis, from 0."""
    return {study: place for place, study in enumerate(dict.fromkeys(row["study"] for row in review.used(analysis)))}


def selection_key(gone: Sequence[int], k: int) -> str:
    """Name a selection by the places of the studies it leaves out, in base 36, all of one width.

    >>> selection_key((), 4), selection_key((0, 3), 4), selection_key((1, 37), 40)
    ('', '03', '0111')
    """
    width = 1 if k <= 36 else 2
    return "".join(BASE36[place // 36] * (width - 1) + BASE36[place % 36] for place in gone)


def record(row: Row, decimals: int) -> str:
    """Give what is printed of a pool, in one text: estimate with interval, prediction interval, τ², counts, status."""
    limits = format_percent_range(number(row, "pi_low"), number(row, "pi_high"), decimals)
    counts = f"{format_count(int(row['events']))}/{format_count(int(row['patients']))}"
    estimate = format_percent_interval(*pool_numbers(row), decimals)
    return "|".join((estimate, limits, format_tau2(number(row, "tau2")), counts, row["status"]))


def row_data(review: Review, row: Row, decimals: int) -> dict:
    """Give one row as it is printed and sorted."""
    known = [f["name"] for f in filters(review)]
    arms = [other for other in review.used(row["analysis"]) if other["study"] == row["study"]]
    return {
        "key": row_key(row),
        "study": row["study"],
        "label": row["label"],
        "arm": (row["arm_label"] or row["arm"]) if len(arms) > 1 else "",
        "year": int(float(row["year"])) if row["year"] else None,
        "events": format_count(int(row["events"])),
        "patients": format_count(int(row["patients"])),
        "size": int(row["patients"]),
        "share": round(100 * number(row, "proportion"), 3),
        "text": format_percent_interval(*(number(row, n) for n in ("proportion", "ci_low", "ci_high")), decimals),
        "marks": row_marks(review, row),
        "levels": {name: row.get(name, "") for name in known},
    }


def provenance(review: Review, row: Row) -> dict:
    """Give where a count stands, in words; what is missing is left out."""
    levels = [review.level_name(f["name"], row.get(f["name"], "")) for f in filters(review)]
    arm = row["arm_label"] or row["arm"]
    named = [level for level in levels if level not in UNKNOWN_LEVELS.values()]
    study = review.study(row["study"])
    window = window_words(row) + (f" ({row['window_text']})" if row["window_text"] else "")
    facts = {
        "Count": f"{format_count(int(row['events']))} of {format_count(int(row['patients']))} {review.unit}",
        "Outcome": review.outcome(row["outcome"]),
        "Arm": ", ".join(dict.fromkeys([arm, *named])),
        "Definition": row["definition"],
        "Window": window,
        "Basis": f"{row['basis']}, confidence {row['confidence']}, {second_reading_words(row)}",
        "Where it stands": row["source"],
        "Note": row["note"],
        "Overlap": study.get("overlaps", ""),
    }
    return {
        "label": row["label"],
        "sheet": sheet_address(row["study"]),
        "doi": row["doi"],
        "address": doi_address(row["doi"]),
        "facts": [[name, text] for name, text in facts.items() if text],
    }


def axis(review: Review, analysis: str) -> float:
    """Give where the axis ends, in per cent, by the rule of the forest plot; what runs over it gets an arrow."""
    pool = review.pool(analysis)
    drawn = int(pool["studies"]) >= review.choices["models"]["draw_prediction_from"]
    limits = [number(pool, key) for key in ("ci_high", *(["pi_high"] if drawn else []))]
    return round(100 * axis_end([number(r, "ci_high") for r in review.used(analysis)], limits), 3)


def _cost(review: Review, analysis: str) -> list[int]:
    """Give the characters of the records by number of studies left out."""
    cost = [0] * (len(places_of(review, analysis)) + 1)
    for row, gone in selections(review, analysis):
        cost[len(gone)] += len(record(row, 1)) + len(gone) + 6
    return cost


def _shares(cost: Mapping[str, Sequence[int]], budget: int) -> dict[str, int]:
    """Give up to how many studies may be left out in each analysis, so that all records fit.

    One more study is allowed in turn to every analysis that can still afford it, so that small ones come whole.
    """
    limit = dict.fromkeys(cost, 0)
    left = budget - sum(costs[0] for costs in cost.values())
    growing = True
    while growing:
        growing = False
        for name, costs in cost.items():
            step = limit[name] + 1
            if step < len(costs) and costs[step] <= left:
                left -= costs[step]
                limit[name], growing = step, True
    return limit
