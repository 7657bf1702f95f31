"""Rows of a table of results/ as its reader gives them: every declared column, with a value of its type."""

from math import nan

from synthesis.tables.declared import declared

EMPTY = {"string": "", "integer": None, "number": nan}
TYPES = {"string": str, "integer": int, "number": float}


def typed(table, rows):
    """Give rows with their values typed, whatever a test wrote, and what it left out empty; other columns stay."""
    columns = {name: column.type for name, column in declared()[table].columns.items() if "{" not in name}
    blank = {name: EMPTY[kind] for name, kind in columns.items()}

    def value(name, given):
        kind = columns.get(name, "string")
        return EMPTY[kind] if given is None or given == "" or given != given else TYPES[kind](given)

    return [blank | {name: value(name, given) for name, given in row.items()} for row in rows]
