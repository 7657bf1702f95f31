"""Counts → a pooled proportion: one module a model, and `catalogue` with the table of them."""
