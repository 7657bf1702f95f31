"""Figures: each draws what the tables in ``results/`` say and fits nothing."""
