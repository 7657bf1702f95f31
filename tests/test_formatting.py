"""Numbers as text, against the table of the figure specification and against what a reader would write."""

import doctest
import subprocess
import sys
from decimal import Decimal
from math import inf, nan

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from synthesis.words import formatting as fmt

JAMA, BMJ = fmt.HOUSES["jama"], fmt.HOUSES["bmj"]


def test_examples_in_the_module():
    assert doctest.testmod(fmt).failed == 0


@pytest.mark.parametrize(
    "value", [None, nan, -nan, np.nan, np.float32("nan"), Decimal("nan"), pd.NA, pd.NaT, "", *(0, 0.0, -1, inf, "0")]
)
def test_missing_is_what_pandas_calls_so_and_blank(value):
    assert fmt.is_missing(value) is (bool(pd.isna(value)) or value == "")


def test_printing_a_number_does_not_import_pandas():
    """It takes 0.8 s, and most jobs that print need nothing else of it."""
    code = "import sys, synthesis.words.formatting; assert not {'pandas', 'numpy'} & set(sys.modules)"
    scripts = str(ROOT / "workflow" / "scripts")
    done = subprocess.run([sys.executable, "-c", code], cwd=scripts, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("proportion", "decimals", "text"),
    [
        (9 / 96, 1, "9.4"),
        (1 / 16, 1, "6.3"),  # 6.25: half up, as on a pocket calculator, not half to even
        (29 / 200, 0, "15"),  # 14.5, which binary floating point holds as 14.499999999999998
        (0.0, 1, "0.0"),
        (0.0, 2, "0.00"),
        (0.00049, 1, "<0.1"),
        (0.0005, 1, "0.1"),
        (0.00004, 2, "<0.01"),
        (0.0032, 2, "0.32"),
        (1.0, 1, "100.0"),
        (0.9996, 1, ">99.9"),
        (0.9994, 1, "99.9"),
        (1e-300, 1, "<0.1"),
        (nan, 1, "–"),
        (None, 1, "–"),
        (pd.NA, 1, "–"),
    ],
)
def test_percent(proportion, decimals, text):
    assert fmt.format_percent(proportion, decimals) == text


@pytest.mark.parametrize(
    ("numbers", "house", "text"),
    [
        ((0.0938, 0.0497, 0.1589), fmt.DEFAULT, "9.4 (5.0–15.9)"),
        ((0.0938, 0.0497, 0.1589), BMJ, "9.4 (5.0 to 15.9)"),
        ((0, 0, 0.185), fmt.DEFAULT, "0.0 (0.0–18.5)"),
        ((1, 0.541, 1), fmt.DEFAULT, "100.0 (54.1–100.0)"),
        ((0.002, 0.00005, 0.011), fmt.DEFAULT, "0.2 (<0.1–1.1)"),
        ((0.998, 0.95, 0.99999), fmt.DEFAULT, "99.8 (95.0 to >99.9)"),  # "–>" would look like an arrow
        ((0.5, nan, nan), fmt.DEFAULT, "50.0"),
        ((nan, nan, nan), fmt.DEFAULT, "–"),
    ],
)
def test_percent_with_interval(numbers, house, text):
    assert fmt.format_percent_interval(*numbers, 1, house) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.34, "P = 0.34"),
        (0.048, "P = 0.048"),
        (0.052, "P = 0.052"),
        (0.0549, "P = 0.055"),
        (0.0449, "P = 0.04"),
        (0.0496, "P = 0.0496"),
        (0.049996, "P < 0.05"),
        (0.050004, "P > 0.05"),
        (0.05, "P = 0.05"),
        (0.05 + 1e-17, "P = 0.05"),
        (0.098, "P = 0.098"),
        (0.01, "P = 0.01"),
        (0.0104, "P = 0.0104"),
        (0.00999, "P = 0.00999"),
        (0.0013, "P = 0.0013"),
        (0.0042, "P = 0.004"),
        (0.001, "P = 0.001"),
        (0.00099, "P < 0.001"),
        (0.0, "P < 0.001"),
        (0.994, "P = 0.99"),
        (0.995, "P > 0.99"),
        (1.0, "P > 0.99"),
        (nan, "–"),
    ],
)
def test_p(p, text):
    assert fmt.format_p(p) == text
    assert fmt.format_p(p, JAMA) == text.replace(" 0.", " .")


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.05, 0.1])
def test_no_printed_p_value_changes_its_side_of_a_limit(limit):
    """P = 0.048 printed as 0.05 reads as no evidence, and as evidence when it stands beside "P < 0.05"."""
    for distance in np.geomspace(1e-8, 0.2, 300):
        for p in (limit * (1 - distance), limit * (1 + distance)):
            sign, digits = fmt.format_p(p).removeprefix("P ").split(" ")
            printed = float(digits) + {"<": -1e-12, "=": 0, ">": 1e-12}[sign]
            assert (printed > limit) == (p > limit) and printed != limit, (p, fmt.format_p(p))


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (fmt.format_count, 1204, "1,204"),
        (fmt.format_count, 1204.0, "1,204"),
        (fmt.format_count, 0, "0"),
        (fmt.format_count, "", "–"),
        (fmt.format_i2, 42.5, "43%"),
        (fmt.format_i2, 100.0, "100%"),
        (fmt.format_i2, nan, "–"),
        (fmt.format_tau2, 0.1, "0.10"),
        (fmt.format_tau2, 0.0634, "0.063"),
        (fmt.format_tau2, 0.0, "0"),
        (fmt.format_tau2, nan, "–"),
        (fmt.format_statistic, 7.905, "7.91"),
        (fmt.format_statistic, 0.0, "0.00"),
        (fmt.format_statistic, nan, "–"),
        (fmt.format_odds_ratio, 0.996, "0.996"),
        (fmt.format_odds_ratio, 1.004, "1.004"),
        (fmt.format_odds_ratio, 0.9996, "0.9996"),
        (fmt.format_odds_ratio, 1 - 1e-9, "<1.00"),
        (fmt.format_odds_ratio, 1 + 1e-16, "1.00"),
        (fmt.format_odds_ratio, 999.6, "1,000"),
        (fmt.format_odds_ratio, nan, "–"),
    ],
)
def test_single_numbers(function, value, text):
    assert function(value) == text


def test_ratio_interval():
    assert fmt.format_ratio_interval(2.344, 1.102, 4.98) == "2.34 (1.10–4.98)"
    assert fmt.format_ratio_interval(2.344, 1.102, 4.98, BMJ) == "2.34 (1.10 to 4.98)"
    assert fmt.format_ratio_interval(0, 0, 3.456) == "0 (0–3.46)"
    assert fmt.format_ratio_interval(inf, 1.29, inf) == "∞ (1.29–∞)"
    assert fmt.format_ratio_interval(nan, nan, nan) == "–"


def test_difference_has_a_true_minus_and_no_dash():
    text = fmt.format_difference(-0.0321, -0.0814, -0.0001)
    assert text == "\u22123.2 (\u22128.1 to \u22120.01)"
    assert fmt.format_difference(0, -1e-9, 0.0004) == "0.0 (>\u22120.001 to 0.04)"
    assert fmt.format_difference(nan, nan, nan) == "–"


def test_decimals_of_a_panel():
    assert fmt.decimals_for([0.0099, 0.0]) == 2
    assert fmt.decimals_for([0.0099, 0.01]) == 1
    assert fmt.decimals_for([nan]) == 1
    assert fmt.decimals_for([]) == 1


def test_heterogeneity_leaves_out_what_does_not_exist():
    assert fmt.format_heterogeneity(nan, nan, nan, nan, nan) == ""
    assert fmt.format_heterogeneity(2e-5, 0.2, 1.0, 3, 0.8, scale="") == (
        "τ² < 0.001; I² < 1%; χ² = 1.00, df = 3, P = 0.80"
    )


def test_infinity_is_never_printed_as_a_percentage():
    with pytest.raises(ValueError, match="not a finite number"):
        fmt.format_percent(inf)
