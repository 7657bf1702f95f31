"""Words that the tables in ``results/`` print and later stages look for, in one place so that both mean the same.

Words only, so that a stage that reads numbers does not import what computed them.
"""

# `status` of an estimate: `ok`, `ok; ` with remarks on a number that stands, or why a number is missing.
OK = "ok"
ONE_STUDY = "one study: not pooled"
NO_EVENTS = "no events: exact upper limit only"
ALL_EVENTS = "all events: exact lower limit only"
NO_STUDIES = "no studies"
ALL_OR_NONE = "every study has no events or nothing but events, so the likelihood rises without end with heterogeneity"
MAY_BE_ALL_OR_NONE = (
    "every study may have no events or nothing but events, and the likelihood rises without end with heterogeneity"
)
MAY_BE_NONE = "every count may be 0, where the likelihood is highest: no estimate"
MAY_BE_ALL = "every count may be all patients, where the likelihood is highest: no estimate"
TOO_WIDE = "the limits of the counts are so wide that the likelihood is level over them: no estimate"
UNKNOWN_TAU2 = "tau2 cannot be known from these counts"
MIDDLE = "a count known only within limits enters with its middle"
SEVERAL_ARMS = "several arms of one study: only glmm shares the study's effect"

NOT_PRIMARY = "not of the primary model"  # a remark, after the name of the other one

# `kind` in influence.csv.
LEAVE_ONE, LEAVE_TWO, CUMULATIVE = "leave one out", "leave two out", "cumulative"

# `kind` in contrasts.csv: where a difference between two levels was seen.
WITHIN, BETWEEN, TOGETHER = "within study", "between studies", "within and between"
WITHIN_POOLED = "within studies"

# `p_test` in contrasts.csv and comparisons.csv: the test a P value is of, which need not be that of the interval.
FISHER, LIKELIHOOD_RATIO, TAIL = "Fisher's exact", "likelihood ratio", "twice the smaller posterior tail"


def is_ok(status: str) -> bool:
    """Say whether a status belongs to a number that can be used, with or without a remark.

    >>> is_ok("ok"), is_ok("ok; two maxima"), is_ok("one study: not pooled")
    (True, True, False)
    """
    return status == OK or status.startswith(f"{OK}; ")


def with_remark(status: str, remark: str) -> str:
    """Add a remark to a status; a blank one changes nothing.

    >>> with_remark(with_remark("ok", ""), "two maxima")
    'ok; two maxima'
    """
    return f"{status}; {remark}" if remark else status


def remarks_of(status: str) -> str:
    """Give what a status has to say beside ``ok``: its remarks, or why a number is missing; blank for ``ok``.

    >>> remarks_of("ok"), remarks_of("ok; two maxima"), remarks_of("one study: not pooled")
    ('', 'two maxima', 'one study: not pooled')
    """
    return "" if status == OK else status.removeprefix(f"{OK}; ")
