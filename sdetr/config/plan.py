"""The plan: every job that the selected tables need at a scale. It is the only list of runs."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdetr.config.base import SettingsError
from sdetr.config.job import Job
from sdetr.files import write_text

OF_A_NAME = ("proposals", "views", "features")
"""Made once for each name, equal or not: what a run reads must not depend on which tables are made."""


@dataclass
class Plan:
    """Jobs by path, those that write a file before those that read it."""

    scale: str
    shards: int = 1
    """How many jobs share the images of one data set, where a stage can be shared."""
    merges: bool = False
    """Whether two names may come to mean one run, as where a scale replaces what tells them apart."""
    jobs: dict[str, Job] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    """Paths that this scale makes equal to another one; they are not run."""
    _prints: dict[str, str] = field(default_factory=dict)
    _paths: dict[str, str] = field(default_factory=dict)
    _makers: dict[str, str] = field(default_factory=dict)

    def add(self, job: Job) -> Job:
        """The job that stands for this one: itself, or an equal one of another path where the scale merges.

        Raises SettingsError for different settings at one path, and elsewhere for equal settings at two.
        """
        if known := self.jobs.get(self.aliases.get(job.path, job.path)):
            one, two = ({"settings": j.settings, "inputs": _made(j)} for j in (known, job))
            if differing := [line.removeprefix("settings.") for line in _differences(one, two)]:
                raise SettingsError(
                    f"{job.path}: planned twice with different settings: {'; '.join(differing)}"
                )
            return known
        fingerprint = self._fingerprint(job)
        twin = None if job.stage in OF_A_NAME else self._paths.get(fingerprint)
        if twin:
            if not self.merges:
                raise SettingsError(
                    f"{job.path} and {twin}: equal settings at scale {self.scale}; one run needs one name"
                )
            self.aliases[job.path] = twin
            return self.jobs[twin]
        self._prints[job.path], self._paths[fingerprint] = fingerprint, job.path
        self._makers |= dict.fromkeys(job.outputs.values(), job.path)
        self.jobs[job.path] = job
        return job

    def of(self, stage: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.stage == stage]

    def makes(self, file: str) -> bool:
        return file in self._makers

    def maker(self, file: str) -> Job:
        """The job that writes a file."""
        return self.jobs[self._makers[file]]

    def before(self, jobs: Iterable[Job]) -> list[Job]:
        """Jobs and all that they rest on, those that write a file before those that read it."""
        needed: set[str] = set()
        paths = [job.path for job in jobs]
        while paths:
            needed.add(path := paths.pop())
            makers = [self._makers.get(file) for file in self.jobs[path].inputs.values()]
            paths += [maker for maker in makers if maker and maker not in needed]
        return [job for path, job in self.jobs.items() if path in needed]

    def after(self, jobs: Iterable[Job]) -> list[Job]:
        """Jobs and all that rests on them, those that write a file before those that read it."""
        reached = {job.path for job in jobs}
        for path, job in self.jobs.items():
            if any(self._makers.get(file) in reached for file in job.inputs.values()):
                reached.add(path)
        return [job for path, job in self.jobs.items() if path in reached]

    def write(self) -> list[str]:
        """Writes the settings files whose content changed, only them: exactly their jobs rerun."""
        changed = []
        for job in self.jobs.values():
            path = Path(job.settings_file)
            if not path.exists() or path.read_text(encoding="utf-8") != job.text:
                write_text(path, job.text)
                changed.append(job.settings_file)
        return changed

    def _fingerprint(self, job: Job) -> str:
        """Of what decides a job: its settings and what its inputs were made from, not its name."""
        made = {slot: self._prints.get(self._makers.get(file, ""), file) for slot, file in _made(job).items()}
        return hashlib.sha256(
            json.dumps([job.stage, job.settings, made], sort_keys=True).encode()
        ).hexdigest()


def _made(job: Job) -> dict[str, str]:
    """Inputs that other jobs make, by slot: all but the settings file, which is named after the job."""
    return {slot: file for slot, file in job.inputs.items() if slot != "settings"}


def _differences(one: Any, two: Any, key: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(two, dict):
        names = list({**one, **two})
        return [d for n in names for d in _differences(one.get(n), two.get(n), f"{key}.{n}" if key else n)]
    return [] if one == two else [f"{key} is {one!r} and {two!r}"]
