"""The pool, had it been made otherwise: studies left out, resampled, respecified, simulated."""
