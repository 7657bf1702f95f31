"""All sheets read together: the index, overlaps, totals, and what must agree with them."""
