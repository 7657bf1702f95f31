"""What the explorer looks up: selections of studies, pooled beforehand, as the text it prints; and likelihoods.

The page knows each selection by the studies that are left out, prints the text found there, and draws from the printed
numbers. Only of the model ``bayes`` it holds each study's likelihood instead, and pools what is ticked by itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import comb

from ..figures.kit.axes import axis_end
from ..tables.declared import Row
from ..tables.pools import OVERALL, estimate_text, limits_of, prediction_text, shares_of, sum_events
from ..words.formatting import format_tau2
from ..words.model_names import BAYESIAN, DESCRIPTIONS, SHORT_NAMES, interval_of
from ..words.terms import ALL_EVENTS, NO_EVENTS, OK, UNKNOWN_TAU2, with_remark
from .about import UNKNOWN_LEVELS, Review, row_key
from .html_tables import doi_address, sheet_address
from .phrases import counts_of, row_interval, second_reading_words, window_words

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def explorer_data(review: Review, budget: int = 1_300_000) -> dict:
    """Give all the page's script needs: ``analyses`` in order (rows, pools), ``counts`` (row key → provenance), words.

    Parameters
    ----------
    review : Review
    budget : int
        Characters that the records of all analyses may take together.
    """
    shown = {analysis: Explored(review, analysis) for analysis in review.analyses if review.used(analysis)}
    limits = share_out({analysis: explored.cost() for analysis, explored in shown.items()}, budget)
    return {
        "level": review.level,
        "interval": interval_of(""),  # of a study
        "confidence": review.choices["models"]["level"],
        "states": {"ok": OK, "none": NO_EVENTS, "all": ALL_EVENTS, "unknown": with_remark(OK, UNKNOWN_TAU2)},
        "unit": review.unit,
        "filters": filters(review),
        "analyses": [explored.data(limits[analysis]) for analysis, explored in shown.items()],
        "counts": {row_key(row): provenance(review, row) for explored in shown.values() for row in explored.rows},
    }


def how_words(review: Review) -> str:
    """Say what the page does with a selection."""
    if not any(Explored(review, analysis).grid(1) for analysis in review.analyses if review.used(analysis)):
        return (
            "Nothing is computed here: every selection was pooled beforehand by the same program as all other numbers, "
            "and is looked up."
        )
    return (
        f"With the {SHORT_NAMES[BAYESIAN]} any selection is pooled here, from the likelihood of each study, and agrees "
        "with the program in three digits. What other models say was pooled beforehand, and is looked up."
    )


def most_words(review: Review) -> str:
    """Say which model was fitted to the most selections."""
    first = {rows[0]["model"] for analysis in review.analyses if (rows := review.table(analysis, "subsets"))}
    if first <= {review.primary}:
        return "The primary model has the most selections."
    return "The list of models says which have more than all studies."


def filters(review: Review) -> list[dict]:
    """Give the properties studies can be chosen by: those the forest plots are split by."""
    names = review.choices["figures"]["forest_by"]
    return [{"name": name, "label": review.variable(name), "levels": dict(review.levels(name))} for name in names]


class Explored:
    """One analysis: its rows in order, the place of each study, and its pools by model and selection."""

    def __init__(self, review: Review, analysis: str):
        self.review, self.analysis, self.rows = review, analysis, review.used(analysis)
        self.places = {study: at for at, study in enumerate(dict.fromkeys(row["study"] for row in self.rows))}
        every = [row for row in review.table(analysis, "estimates") if row["subset"] == OVERALL]
        self.pools = sorted(every, key=lambda row: row["model"] != review.primary)
        held = {row["study"]: row for row in review.table(analysis, "likelihoods")}
        fits = any(row["model"] == BAYESIAN for row in every) and held.keys() == {"", *self.places}
        self.likelihoods = held if fits else {}
        self.selections: list[tuple[Row, tuple[int, ...]]] = []  # a pool, and the places of the studies it leaves out
        for row in review.table(analysis, "subsets"):
            if row["model"] == BAYESIAN and self.likelihoods:  # the page needs none of them
                continue
            inside = set(row["studies"].split(";"))
            if inside <= self.places.keys():
                gone = tuple(at for study, at in self.places.items() if study not in inside)
                if row["events"] is None:  # its table has no limits
                    row = row | sum_events(one for one in self.rows if one["study"] in inside)
                self.selections.append((row, gone))

    def data(self, limit: int) -> dict:
        """Give what the page needs of it; selections with more studies left out than the limit are not carried."""
        review, decimals, whole = self.review, self.review.decimals(self.analysis), self.complete()
        limit = min(limit, max(whole.values(), default=0))
        pools = {row["model"]: {"": record(row, decimals)} for row in self.pools}
        for row, gone in self.selections:
            if len(gone) <= limit and row["model"] in pools:
                pools[row["model"]][selection_key(gone, len(self.places))] = record(row, decimals)
        marks = review.legend(self.rows)
        return {
            "id": self.analysis,
            "label": review.title(self.analysis),
            "note": review.analyses[self.analysis].get("note") or "",
            "axis": self.axis(),
            "decimals": decimals,
            "grid": self.grid(decimals),
            "exact": min(limit, whole.get(review.primary, 0)) >= len(self.places) - 1,
            "limit": limit,
            "models": [
                {"name": name, "label": DESCRIPTIONS.get(name, name), "interval": interval_of(name)} for name in pools
            ],
            "legend": [f"{mark} {meaning}" for mark, meaning in marks],
            "studies": len(self.places),
            "rows": [self.row_data(row, decimals) for row in self.rows],
            "pools": pools,
        }

    def grid(self, decimals: int) -> dict | None:
        """Give the likelihoods with their axes, studies in the order of their places; None where there are none."""
        if not self.likelihoods:
            return None
        first = self.likelihoods[""]
        tau = {"centre": 0, "width": first["tau_width"], "first": 0}
        mu = {"centre": first["mu_centre"], "width": first["mu_width"], "first": first["mu_first"]}
        return {
            "model": BAYESIAN,
            "tau": tau | {"last": first["tau_last"], "points": first["tau_points"]},
            "mu": mu | {"last": first["mu_last"], "points": first["mu_points"]},
            "deep": first["deep"],
            "prior": first["log_likelihood"],
            "studies": [self.study_data(self.likelihoods[study], decimals) for study in self.places],
        }

    def study_data(self, row: Row, decimals: int) -> dict:
        """Give a study's likelihood and counts, and what is said of it alone."""
        low, high = limits_of(row)
        alone = {"text": estimate_text(row, decimals), "status": row["status"]}
        return {"table": row["log_likelihood"], "from": low, "to": high, "patients": row["patients"], **alone}

    def complete(self) -> dict[str, int]:
        """Give, for each model, up to how many studies may be left out with every such selection in its table.

        Of many studies the table holds a sample: all with one or two left out, and some with more. Where the primary
        model takes too long for them, another one has them all.
        """
        k, sizes = len(self.places), Counter((row["model"], len(gone)) for row, gone in self.selections)
        return {
            model: next((size - 1 for size in range(1, k) if sizes[model, size] < comb(k, size)), max(0, k - 1))
            for model in {row["model"] for row, _ in self.selections}
        }

    def cost(self) -> list[int]:
        """Give the characters of the records by number of studies left out."""
        cost = [0] * (len(self.places) + 1)
        for row, gone in self.selections:
            cost[len(gone)] += len(record(row, 1)) + len(gone) + 6
        return cost

    def axis(self) -> float:
        """Give where the axis ends, in per cent, by the rule of the forest plot; what runs over it gets an arrow."""
        pool = self.review.pool(self.analysis)
        drawn = pool["studies"] >= self.review.choices["models"]["draw_prediction_from"]
        limits = [pool[key] for key in ("ci_high", *(["pi_high"] if drawn else []))]
        return round(100 * axis_end([row["ci_high"] for row in self.rows], limits), 3)

    def row_data(self, row: Row, decimals: int) -> dict:
        """Give one row as it is printed and sorted."""
        events, patients = counts_of(row, "events", "patients")
        several = sum(other["study"] == row["study"] for other in self.rows) > 1
        return {
            "key": row_key(row),
            "study": row["study"],
            "label": row["label"],
            "arm": (row["arm_label"] or row["arm"]) if several else "",
            "year": row["year"],
            "events": events,
            "patients": patients,
            "size": row["patients"],
            "share": round(50 * sum(shares_of(row)), 3),
            "text": row_interval(row, decimals),
            "marks": self.review.marks(row),
            "levels": {one["name"]: row.get(one["name"], "") for one in filters(self.review)},
            "place": self.places[row["study"]],
        }


def selection_key(gone: Sequence[int], k: int) -> str:
    """Name a selection by the places of the studies it leaves out, in base 36, all of one width.

    >>> selection_key((), 4), selection_key((0, 3), 4), selection_key((1, 37), 40)
    ('', '03', '0111')
    """
    width = 1 if k <= 36 else 2
    return "".join(BASE36[place // 36] * (width - 1) + BASE36[place % 36] for place in gone)


def record(row: Row, decimals: int) -> str:
    """Give what is printed of a pool, in one text: estimate with interval, prediction interval, τ², counts, status."""
    counts = "/".join(counts_of(row, "events", "patients"))
    intervals = estimate_text(row, decimals), prediction_text(row, decimals)
    return "|".join((*intervals, format_tau2(row["tau2"]), counts, row["status"]))


def provenance(review: Review, row: Row) -> dict:
    """Give where a count stands, in words; what is missing is left out."""
    levels = [review.level_name(one["name"], row.get(one["name"], "")) for one in filters(review)]
    named = [level for level in levels if level not in UNKNOWN_LEVELS.values()]
    facts = {
        "Count": f"{' of '.join(counts_of(row, 'events', 'patients'))} {review.unit}",
        "Outcome": review.outcome(row["outcome"]),
        "Arm": ", ".join(dict.fromkeys([row["arm_label"] or row["arm"], *named])),
        "Definition": row["definition"],
        "Window": window_words(row) + (f" ({row['window_text']})" if row["window_text"] else ""),
        "Basis": f"{row['basis']}, confidence {row['confidence']}, {second_reading_words(row)}",
        "Where it stands": row["source"],
        "Note": row["note"],
        "Overlap": review.study(row["study"]).get("overlaps", ""),
    }
    return {
        "label": row["label"],
        "sheet": sheet_address(row["study"]),
        "doi": row["doi"],
        "address": doi_address(row["doi"]),
        "facts": [[name, text] for name, text in facts.items() if text],
    }


def share_out(cost: Mapping[str, Sequence[int]], budget: int) -> dict[str, int]:
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
