"""A Snakemake logger that writes what happens as JSON, one event a line, for `python -m synthesis.run` to show.

Used as ``snakemake --logger events``. The lines go to the file descriptor that ``SYNTHESIS_EVENTS`` names, or to the
standard error stream without it.
"""

import contextlib
import json
import os
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase

# What Snakemake attaches to a record, and is worth handing on; the rest of a record is large or not JSON.
FIELDS = ("stats", "jobid", "job_id", "jobs", "rule_name", "wildcards", "output", "log", "exception", "cores")


class LogHandler(LogHandlerBase):
    """Write each record as one line of JSON."""

    writes_to_stream = True  # so that Snakemake's own words stay out of the terminal
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Open the stream once."""
        self._stream = os.fdopen(os.dup(int(os.environ.get("SYNTHESIS_EVENTS", "2"))), "w", encoding="utf-8")

    def emit(self, record: LogRecord) -> None:
        """Write one record; a reader that has gone must not stop the build."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(event_of(record) + "\n")
            self._stream.flush()


def event_of(record: LogRecord) -> str:
    """Give what a record says as JSON; ``event`` is blank for plain words."""
    fields = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
    event = str(getattr(record, "event", None) or "")
    found = {"event": event, "level": record.levelname, "message": str(record.msg or ""), **fields}
    return json.dumps(found, default=lambda value: list(value) if isinstance(value, set) else str(value))
