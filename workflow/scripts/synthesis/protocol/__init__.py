"""The typed config: every scientific choice of a review."""
