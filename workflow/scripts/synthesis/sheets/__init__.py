"""The typed extraction sheet and the lists beside it: read, checked, and cut to what a job may see."""
