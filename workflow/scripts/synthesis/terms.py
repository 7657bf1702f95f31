"""Words that the tables in ``results/`` print and later stages look for, in one place so that both mean the same.

Words only, so that a stage that reads numbers does not import what computed them.
"""

# `status` of an estimate; any other text says why a number is missing.
OK = "ok"
ONE_STUDY = "one study: not pooled"
NO_EVENTS = "no events: exact upper limit only"
ALL_EVENTS = "all events: exact lower limit only"
NO_STUDIES = "no studies"
SEVERAL_ARMS = "several arms of one study: only glmm shares the study's effect"

# `kind` in influence.csv.
LEAVE_ONE, LEAVE_TWO, CUMULATIVE = "leave one out", "leave two out", "cumulative"

# `kind` in contrasts.csv: where a difference between two levels was seen.
WITHIN, BETWEEN, TOGETHER = "within study", "between studies", "within and between"
WITHIN_POOLED = "within studies"
