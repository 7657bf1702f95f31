"""From Snakemake's events to the few lines a person reads."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath

from ..words.prose import plural
from .messages import duration, time_left


@dataclass(frozen=True)
class Job:
    """A job that has started; ``analysis`` is blank for a job of the whole review."""

    rule: str
    analysis: str
    outputs: tuple[str, ...]
    logs: tuple[str, ...]
    begun: float

    @property
    def name(self) -> str:
        """Name the job as messages do."""
        return f"{self.rule} of {self.analysis}" if self.analysis else self.rule


@dataclass
class Progress:
    """What has been done and what is left."""

    # Gives all files this build will make, once it is planned: so the last file of an analysis is known.
    planned: Callable[[], Iterable[str]] = tuple
    seconds: dict[str, float] = field(default_factory=dict)  # rule → what a job of it took in earlier builds
    clock: Callable[[], float] = time.monotonic
    total: int = 0
    cores: int = 1
    waiting: Counter = field(default_factory=Counter)  # rule → jobs that have not ended
    took: dict[str, list[float]] = field(default_factory=dict)
    running: dict[int, Job] = field(default_factory=dict)
    failed: list[Job] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    due: dict[str, set[str]] = field(default_factory=dict)  # folder below results/ → its files that are still to come
    up_to_date: bool = False
    stopped: int = 0  # the signal that a person ended the build with

    def __post_init__(self) -> None:
        """Start the clock."""
        self.begun = self.clock()

    @property
    def done(self) -> int:
        """Count the jobs that have ended."""
        return self.total - sum(self.waiting.values())

    def hear(self, event: dict) -> list[str]:
        """Take in one event, and give the lines it is worth (mostly none)."""
        match event["event"]:
            case "resources_info":
                self.cores = event.get("cores") or self.cores
            case "run_info":
                return self._plan(event["stats"])
            case "job_info":
                self.running[event["jobid"]] = self._job(event)
            case "job_finished":
                return self._finish(self.running.pop(event["job_id"], None))
            case "job_error":
                job = self.running.pop(event["jobid"], None) or self._job(event)
                self.failed.append(job)
                return [] if self.stopped else [f"Failed: {job.name}"]
            case "error":
                self.errors.append(event["message"])
            case _ if event["message"].startswith("Nothing to be done"):
                self.up_to_date = True
            case "" if event["level"] in ("ERROR", "CRITICAL"):
                self.errors.append(event["message"])
        return []

    def _job(self, event: dict) -> Job:
        analysis = (event.get("wildcards") or {}).get("analysis", "")
        outputs, logs = (tuple(event.get(name) or ()) for name in ("output", "log"))
        return Job(event["rule_name"], analysis, outputs, logs, self.clock())

    def _plan(self, stats: dict[str, int]) -> list[str]:
        self.waiting = Counter({rule: n for rule, n in stats.items() if rule not in ("total", "all")})
        self.total = sum(self.waiting.values())
        for path in self.planned():
            if folder := _folder(path):
                self.due.setdefault(folder, set()).add(path)
        return [f"Building: {', '.join(filter(None, [plural(self.total, 'job'), self.left()]))}."]

    def _finish(self, job: Job | None) -> list[str]:
        """Note the time a job took; an analysis is told of with its last file."""
        if job is None or job.rule == "all":
            return []
        self.waiting[job.rule] -= 1
        self.took.setdefault(job.rule, []).append(self.clock() - job.begun)
        for folder in {_folder(path) for path in job.outputs} & set(self.due):
            self.due[folder] -= set(job.outputs)
        written = [folder for folder, paths in self.due.items() if not paths]
        for folder in written:
            del self.due[folder]
        where = "; ".join(filter(None, [self._count(), self.left()]))
        return [f"  {folder}: done ({where})" for folder in written if folder == job.analysis]

    def _count(self) -> str:
        return f"{self.done:,} of {plural(self.total, 'job')}"

    def left(self) -> str:
        """Estimate the time left from what jobs of the same rules took; blank when nothing is known yet."""
        known = self.learned()
        due = {rule: n for rule, n in self.waiting.items() if n > 0}
        if not due.keys() & known.keys():
            return ""
        usual = sum(known.values()) / len(known)
        work = sum(n * known.get(rule, usual) for rule, n in due.items())
        work -= sum(min(self.clock() - job.begun, known.get(job.rule, usual)) for job in self.running.values())
        return time_left(work / max(1, min(self.cores, sum(due.values()))))

    def status(self) -> str:
        """Say in one line where the build is."""
        if not self.total:
            return "Reading the sheets"
        now = next(reversed(self.running.values()), None)
        return " · ".join(filter(None, [self._count(), now and now.name, self.left()]))

    def learned(self) -> dict[str, float]:
        """Give the seconds a rule takes, for the next build's estimate."""
        return self.seconds | {rule: round(sum(times) / len(times), 2) for rule, times in self.took.items()}

    def elapsed(self) -> str:
        """Say how long the build took."""
        return duration(self.clock() - self.begun)


def _folder(path: str) -> str:
    """Give the folder below the first one: ``results/<folder>/…``; blank for a file that is in none."""
    parts = PurePath(path).parts
    return parts[1] if len(parts) > 2 else ""
