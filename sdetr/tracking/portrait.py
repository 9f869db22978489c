"""All that MLflow is told of a job, as plain values, read from its files alone."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sdetr.config.job import Job
from sdetr.tracking.digests import Digested

Status = Literal["RUNNING", "KILLED", "FINISHED"]


class Picture(NamedTuple):
    path: Path
    key: str
    step: int

    @property
    def time_ms(self) -> int:
        return int(self.path.stat().st_mtime * 1000)


@dataclass(frozen=True)
class Portrait:
    """A job as it stands now; `run` is its path."""

    job: Job
    name: str
    experiment: str
    attempt: str
    """Which execution of the job this is: another one is another run."""
    status: Status
    begun_ms: int
    ended_ms: int | None
    is_whole: bool
    """Finished, with the plan's settings, and everything that the plan declares is there."""
    tags: dict[str, str]
    inputs: dict[str, Digested] = field(default_factory=dict)
    outputs: dict[str, Digested] = field(default_factory=dict)
    """By slot, those of its guests too."""
    settings: dict[str, Any] | None = None
    """What it was made from; None where its files do not say so."""
    curve: Path | None = None
    numbers: dict[str, float] = field(default_factory=dict)
    """What holds at the end."""
    pictures: tuple[Picture, ...] = ()
    files: dict[str, Path] = field(default_factory=dict)
    """Small texts that are copied, by their name there."""

    @property
    def run(self) -> str:
        return self.job.path
