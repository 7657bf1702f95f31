"""What is asked of one pool: estimates, subgroups, contrasts, rates, and the same in R."""
