"""The folder of a run that learns nothing to keep: its settings, its log and its record.

Killed, it begins anew.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sdetr import record
from sdetr.files import write_json, written_whole
from sdetr.training.attempt import logged_to
from sdetr.training.device import describe
from sdetr.training.paths import run_path
from sdetr.training.stopwatch import Stopwatch


@dataclass(frozen=True)
class ShortRun:
    """One that has begun."""

    path: str
    out: Path
    watch: Stopwatch
    begun: dict[str, Any]

    def finish(self, made: Iterable[str], peak_bytes: int | None, **said: object) -> None:
        """Writes the record, with digests of the files that were `made` and whatever else is said."""
        files = {name: self.out / name for name in made}
        ended = record.end(self.begun, files, self.watch.seconds, peak_bytes)
        write_json(self.out / "run.json", ended | said, indent=1)


@contextmanager
def short_run(
    stage: str,
    settings: Path,
    out: Path,
    seed: int | None,
    inputs: dict[str, Path],
    device: torch.device,
) -> Iterator[ShortRun]:
    """The run folder `out` of a stage; `inputs` are what it reads beside its settings."""
    watch = Stopwatch()
    scale, path = run_path(out, words=5)
    with logged_to(scale / "state" / path / f"{stage}.log", out=out):
        begun = record.begin(stage, path, seed, {"settings": settings} | inputs, out, describe(device))
        begun["starts"] = [record.start_entry(0)]
        with written_whole(out / "settings.yaml") as temporary:
            shutil.copyfile(settings, temporary)
        yield ShortRun(path, out, watch, begun)
