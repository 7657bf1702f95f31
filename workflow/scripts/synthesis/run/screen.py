"""Lines for a terminal, the last one rewritten; for a file or continuous integration, lines alone."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from .progress import Progress

SILENCE = 60.0  # seconds without a line, after which a reader of a file wants to know that the build is alive
REFRESH = 0.2  # seconds between two states of the line that is rewritten


class Screen:
    """Where a build speaks: a terminal is what says it is one and understands control characters."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.clock = clock
        self.last = clock()
        self.shown = ""

    def say(self, line: str) -> None:
        """Write a line that stays."""
        self._write(f"{line}\n")
        self.last = self.clock()

    def show(self, progress: Progress) -> None:
        """Show where the build is: in the last line of a terminal, and rarely elsewhere."""
        passed = self.clock() - self.last
        if not self.live and passed > SILENCE:
            self.say(f"  {progress.status()}")
        elif self.live and passed >= REFRESH:
            text = f"  {progress.status()}"[: shutil.get_terminal_size().columns - 1]
            if text != self.shown:
                self._write(text)
                self.shown = text
            self.last = self.clock()

    def clear(self) -> None:
        """Remove the line that is rewritten."""
        self._write("")

    def _write(self, text: str) -> None:
        erase, self.shown = ("\r\033[K" if self.shown else ""), ""
        try:
            self.stream.write(erase + text)
            self.stream.flush()
        except BrokenPipeError:  # the reader has gone (`make | head`); the build goes on, as make does
            self.stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
