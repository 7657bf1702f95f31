"""What ``make check`` says: read the config, every sheet and what lies beside them, and say what is wrong."""

import sys

from ..tables.problems import ProblemsError
from ..words.prose import plural
from .index import read_index
from .overlap import overlap_warnings
from .totals import total_warnings


def main() -> int:
    """Print every problem, or how many sheets and counts are in order; give the exit code."""
    try:
        index = read_index("config.yaml", "studies")
    except ProblemsError as error:
        print(error, file=sys.stderr)
        return 1
    sheets = index.sheets.values()
    counts = sum(len(sheet.outcomes) for sheet in sheets)
    print(f"{plural(len(sheets), 'sheet')} with {plural(counts, 'count')}: no problem.")
    for line in overlap_warnings(index):
        print(f"Overlap? {line}")
    for line in total_warnings(index):
        print(f"Total? {line}")
    return 0
