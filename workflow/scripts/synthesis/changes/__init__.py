"""What a version changes against an earlier one: data, estimates, conclusions, and which sheet moved what."""
