"""Words that stand where a level of a property, or a count, cannot: no analysis compares them with levels."""

MIXED = "mixed"  # several levels in one arm, not separable
NOT_REPORTED = "not reported"
UNSTATED = "unstated"  # a window of which the source says nothing
OPEN = "open"  # a window without a fixed end, of which the source has words
NOT_LEVELS = (MIXED, NOT_REPORTED)  # shown beside the levels, never compared with them
