"""Whether the outcome changes with a property of the studies: meta-regression."""
