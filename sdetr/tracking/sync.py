"""Run folders → MLflow, as much as is missing there."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sdetr.config.job import Job
from sdetr.config.plan import Plan
from sdetr.tracking.alone import alone
from sdetr.tracking.curve import is_cut
from sdetr.tracking.door import Door
from sdetr.tracking.lineage import Lineage
from sdetr.tracking.links import write_links
from sdetr.tracking.memory import Memory
from sdetr.tracking.mirror import Mirror
from sdetr.tracking.observe import Observer
from sdetr.tracking.progress import Bar
from sdetr.tracking.shelf import Shelf
from sdetr.tracking.store import TIME_IS_UP, Store, TrackingError

log = logging.getLogger(__name__)

FAILURES = 2
"""So many runs that MLflow refuses end a sync: every further one would be waited for, too."""


@dataclass
class Synced:
    """What became of a sync."""

    runs: int = 0
    live: int = 0
    whole: int = 0
    """Runs of which nothing more is to come."""
    left: list[str] = field(default_factory=list)
    """Runs that are not, or not wholly, in MLflow."""
    reason: str = ""

    def __str__(self) -> str:
        said = f"{self.runs} runs are in MLflow" + (f", {self.live} of them live" if self.live else "")
        return f"{said}; {len(self.left)} are left to the next sync: {self.reason}" if self.left else said


def sync(plan: Plan, root: Path, longest_s: float = float("inf")) -> Synced:
    """Mirrors every job of the plan of which anything has been made; goes on where a sync before it stopped.

    Raises TrackingError if MLflow cannot be reached at all, or another sync is at work. After `longest_s`
    it asks no more, whatever it is at.
    """
    store, until = Store.of(root), time.monotonic() + longest_s
    observer = Observer(plan, root)
    with alone(root):
        door = Door(store, until)
        round_ = _Round(observer, door, until)
        round_.mirror()
        write_links(plan.scale, root, store, round_.lineage)
        return round_.synced


class _Round:
    """One walk: first every run is found or made, then each is told about itself and its neighbours."""

    def __init__(self, observer: Observer, door: Door, until: float) -> None:
        self.synced, self.lineage = Synced(), Lineage(observer)
        self._observer, self._door, self._until, self._failures = observer, door, until, 0
        titles = {
            job.settings["id"]: f"{job.settings['table']['title']}. {job.settings['table']['caption']}"
            for job in observer.plan.of("table")
        }
        self._shelf = Shelf(door, observer.plan.scale, titles)

    def mirror(self) -> None:
        jobs = self._observer.jobs()
        for job in jobs:
            self._try(job, self._place)
        for job in Bar([job for job in jobs if job.path in self.lineage.mirrored], "MLflow"):
            self._try(job, self._send)

    def _place(self, job: Job) -> None:
        """Finds or makes the run of a job, if there is anything to tell of it."""
        if (portrait := self._observer.portrait(job)) is None:
            return
        file = self._observer.memory(job)
        memory = Memory.load(file, self._door.store.fingerprint)
        if memory.attempt.partition(".")[0] != portrait.attempt[:16]:
            memory.cuts = 0
        elif portrait.curve and is_cut(portrait.curve, memory.mark):
            memory.cuts += 1
        if self._shelf.place(portrait, memory):
            memory.save(file)
        self.lineage.add(portrait, memory)

    def _send(self, job: Job) -> None:
        portrait, memory = self.lineage.mirrored[job.path]
        mirror = Mirror(self._door, portrait, memory, self._observer.memory(job))
        mirror.send(self.lineage.models(job), self.lineage.note(job))
        self.synced.runs += 1
        self.synced.live += portrait.status == "RUNNING"
        self.synced.whole += portrait.is_whole

    def _try(self, job: Job, work: Callable[[Job], None]) -> None:
        """A run that fails is left to the next sync; after two that MLflow refused, all that follow are."""
        reason = ""
        if self._failures >= FAILURES or time.monotonic() > self._until:
            reason = self.synced.reason or TIME_IS_UP
        else:
            try:
                work(job)
            except TrackingError as error:
                self._failures += 1
                reason = str(error)
            except (OSError, ValueError, KeyError, TypeError) as error:
                reason = f"{job.path} cannot be read ({type(error).__name__}: {error})"
        if reason and job.path not in self.synced.left:
            self.synced.left.append(job.path)
            self.synced.reason = self.synced.reason or reason
