"""The page a clinician reads."""
