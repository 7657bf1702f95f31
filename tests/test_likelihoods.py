"""The tables of each study's likelihood, from which the report pools any selection, say what the model says."""

from base64 import b64decode

import numpy as np
import pytest
from synthesis.models.bayes import MU_SD, TAU_SCALE, log_likelihoods
from synthesis.models.likelihood import arms_of
from synthesis.pools.likelihoods import DEEP, study_likelihoods
from synthesis.selection.arms import counts_of

COUNTS = [("a", 3, 6, 40), ("a", 1, 4, 30), ("b", 8, 8, 90), ("c", 0, 0, 25), ("d", 300, 300, 2000)]
ROWS = [
    {"study": study, "events": low if low == high else None, "events_from": low, "events_to": high, "patients": n}
    for study, low, high, n in COUNTS
]


def points(row):
    """Give τ and μ of a table, and the table."""
    tau = row["tau_width"] * np.sinh(np.linspace(0, row["tau_last"], row["tau_points"]))
    mu = row["mu_centre"] + row["mu_width"] * np.sinh(np.linspace(row["mu_first"], row["mu_last"], row["mu_points"]))
    steps = np.frombuffer(b64decode(row["log_likelihood"]), "<u2").reshape(len(tau), len(mu))
    return tau, mu, -row["deep"] * (steps / 65535) ** 2


def test_each_table_is_the_likelihood_of_its_study():
    """By the quadrature of the single fit, whose arms share a logit; 16 bits hold the upper 20 units to 0.005."""
    _, *found = study_likelihoods(ROWS, 0.95)
    assert [row["study"] for row in found] == ["a", "b", "c", "d"]
    for row in found:
        tau, mu, table = points(row)
        y, n, study = counts_of(one for one in ROWS if one["study"] == row["study"])
        arms = arms_of(y, np.array(n), np.array(study), np.ones((len(n), 1)))
        every = np.broadcast_arrays(mu, tau[:, None])
        own = log_likelihoods(arms, *(part.ravel() for part in every), 91).reshape(table.shape)
        own -= own.max()
        assert np.abs(table - own)[own > -20].max() < 0.005
        assert table[own < -DEEP].max(initial=-DEEP) == -DEEP


def test_the_row_without_a_study_is_the_prior_with_its_spacings():
    tau, mu, table = points(study_likelihoods(ROWS, 0.95)[0])
    spacing = np.gradient(tau, np.arange(len(tau)))[2:-2, None] * np.gradient(mu, np.arange(len(mu)))[2:-2]
    prior = np.log(spacing) - (tau[2:-2, None] / TAU_SCALE) ** 2 / 2 - (mu[2:-2] / MU_SD) ** 2 / 2
    difference = (table[2:-2, 2:-2] - prior)[prior > prior.max() - 20]
    assert np.ptp(difference) < 0.03  # gradients of a coarse grid are not quite its derivatives


def test_one_study_has_nothing_to_add_up():
    assert study_likelihoods(ROWS[2:3], 0.95) == []


def test_a_study_alone_is_told_with_its_exact_interval():
    row = next(row for row in study_likelihoods(ROWS, 0.95) if row.get("study") == "b")
    assert (row["events"], row["estimate"]) == (8, pytest.approx(8 / 90)) and row["status"] == "one study: not pooled"
