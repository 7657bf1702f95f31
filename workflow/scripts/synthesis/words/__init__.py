"""How numbers, words and marks print. Imports nothing above."""
