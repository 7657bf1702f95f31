"""The engine by version: where its Snakefile is, and its command."""

from pathlib import Path

WORKFLOW = Path(__file__).resolve().parents[2]
SNAKEFILE = str(WORKFLOW / "Snakefile")
