"""Texts that are written from a Jinja template."""

from functools import cache
from pathlib import Path

from .formatting import format_count, format_odds_ratio, format_percent, format_statistic
from .prose import agree, inside, joined, percent, plural

FILTERS = (agree, format_count, format_odds_ratio, format_percent, format_statistic, inside, joined, percent, plural)


@cache
def _environment():
    from jinja2 import Environment, StrictUndefined  # heavy, and modules of rules import this one

    environment = Environment(
        extensions=["jinja2.ext.do"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {function.__name__: function for function in FILTERS}
    environment.filters["look_up"] = lambda key, table: table[key]
    environment.filters["code"] = lambda names: [f"`{name}`" for name in names]
    return environment


def render(template: Path, **values: object) -> str:
    """Fill a template that is no HTML; a value stands as it is, and cannot name another place.

    Beside Jinja's own it knows the functions of ``FILTERS``, ``look_up`` of a key in a table, and ``code`` for names.

    Raises
    ------
    jinja2.UndefinedError
        When a place has no value.
    """
    return _environment().from_string(template.read_text(encoding="utf-8")).render(values)
