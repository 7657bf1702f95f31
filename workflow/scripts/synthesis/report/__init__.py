"""The report: one self-contained page, made from the tables and figures in ``results/``."""
