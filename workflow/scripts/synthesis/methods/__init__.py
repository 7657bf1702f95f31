"""results/methods.md: what was done, in prose a journal can print, written from the config and the results."""
