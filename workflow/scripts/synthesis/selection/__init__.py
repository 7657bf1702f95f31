"""Which counts enter an analysis: rows, arms, specifications."""
