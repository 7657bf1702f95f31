"""Exposed against unexposed: 2×2 tables, and their pools."""
