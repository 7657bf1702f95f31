"""The methods text, and the papers it cites."""
