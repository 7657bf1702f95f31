"""What a build changes, and what a release holds."""
