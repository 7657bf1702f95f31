"""Drawings of what was computed; no figure fits anything."""
