"""Names in the config that mean the same twice, or that something else of the engine has already."""

import re
from pathlib import Path
from typing import Any

from ..tables.located import Located
from ..tables.problems import Problem, as_typed, quote
from ..words.characters import comparable

TEMPLATES = Path(__file__).parents[3] / "templates" / "report"
PAGE_ID = re.compile(r"""\bid ?= ?["']([a-z][a-z0-9_]*)["']""")


def check_repeats(located: Located) -> list[Problem]:
    """Find what stands twice in one list: a subgroup named twice would be pooled twice, and 5 and 5.0 are one."""
    problems: list[Problem] = []
    queue: list[tuple[tuple, Any]] = [((), located.data)]
    while queue:
        path, here = queue.pop()
        items = list(here.items() if isinstance(here, dict) else enumerate(here))
        queue += [((*path, step), value) for step, value in items if not isinstance(value, str)]
        if isinstance(here, list):
            keys = [_same(value) for value in here]
            repeated = [i for i, key in enumerate(keys) if key in keys[:i]]
            problems += [located.problem((*path, i), f"{quote(here[i])} stands twice. Keep one.") for i in repeated]
    return problems


def _same(value: Any) -> str:
    """Give what two entries of a list share that choose the same."""
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        return comparable(as_typed(value))


def check_alike(located: Located) -> list[Problem]:
    """Find two names, or two labels, of one kind that a reader takes for one, or that would be one heading."""
    kinds = [(kind,) for kind in ("outcomes", "products", "attributes", "ascertainment", "tools", "analyses")]
    kinds += [("moderators",), *(("attributes", name, "levels") for name in located.data.get("attributes", ()))]
    problems = []
    for at in kinds:
        here: Any = located.data
        for step in at:
            here = here.get(step, {})
        labels = {name: entry.get("label") if isinstance(entry, dict) else entry for name, entry in here.items()}
        seen: dict[tuple[str, str], str] = {}
        for name, label in labels.items():
            for kind, text in (("name", name), *((("label", label),) if isinstance(label, str) else ())):
                other = seen.setdefault((kind, comparable(text)), name)
                if other != name:
                    message = f"The {kind} {quote(text)} reads like that of {quote(other)}. Tell them apart."
                    problems.append(located.problem((*at, name), message))
    return problems


def page_ids() -> set[str]:
    """Give the names that places of the report's page have, so that no analysis may have them."""
    texts = (path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir() if path.suffix in (".html", ".js"))
    return {name for text in texts for name in PAGE_ID.findall(text)}
