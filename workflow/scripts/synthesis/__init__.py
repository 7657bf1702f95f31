"""A small engine for living meta-analyses of proportions: sheets in, pooled estimates and figures out."""
