"""Texts that are written from a template of ``workflow/templates``."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "templates"


@cache
def _environment():
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # heavy, and modules of rules import this one

    return Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, **values: object) -> str:
    """Fill a template that is no HTML; a value stands as it is, and cannot name another place.

    Raises
    ------
    jinja2.UndefinedError
        When a place has no value.
    """
    return _environment().get_template(template).render(values)
