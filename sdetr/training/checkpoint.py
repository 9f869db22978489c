"""The state of a training that may be killed at any moment: the last one and the one before, each whole.

No random generator is kept: every step seeds its own from (seed, step), so a resumed run draws the same.
"""

import json
import logging
import pickle
import zipfile
from itertools import count
from pathlib import Path
from typing import Any

import torch

from sdetr.config.flat import flat
from sdetr.data.fetching.room import enough_room
from sdetr.files import written_whole

log = logging.getLogger(__name__)

Made = dict[str, Any]
"""What decides a run, as plain values: its settings and the digests of its inputs."""

HARMLESS = ("workers", "save_every_s")
"""Settings that change no number, so a state may be continued under others."""


class Checkpoint:
    """`last.pt` and `previous.pt` in a state folder, made from `made` and refused to any other."""

    def __init__(self, folder: Path, made: Made) -> None:
        self.folder, self.made = folder, made
        self.last, self.previous = folder / "last.pt", folder / "previous.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Tensors, numbers, strings, and containers of them. A kill leaves at least one whole file.

        So does a disk that is full: raises OSError, which names the file and what it needs.
        """
        with written_whole(self.last, tensor_bytes(state)) as temporary:
            with temporary.open("wb") as file:
                torch.save({**state, "made": json.dumps(self.made)}, file)
            if self.last.exists():
                self.last.replace(self.previous)

    def refuse_small_disk(self, state_bytes: int) -> None:
        """Raises OSError unless three states have room: two that are kept, one that is being written."""
        kept = sum(path.stat().st_size for path in (self.last, self.previous) if path.exists())
        enough_room(self.folder, 3 * state_bytes - kept, f"three states of {state_bytes / 1e9:.2f} GB", 0)

    def load(self) -> dict[str, Any] | None:
        """The newest readable state if it was made from the same; one of something else is moved aside."""
        for half in self.folder.glob(".*.pt.*.tmp"):
            half.unlink()
        for path in (self.last, self.previous):
            state = _read(path)
            if state is None:
                continue
            changed = differing(json.loads(state["made"]), self.made)
            if changed:
                self._supersede(changed)
                return None
            return state
        return None

    def clear(self) -> None:
        """The run is finished: its states, and those that it superseded, have no use any more."""
        for path in self.folder.rglob("*.pt"):
            path.unlink()

    def _supersede(self, changed: list[str]) -> None:
        aside = next(p for n in count(1) if not (p := self.folder / f"superseded-{n}").exists())
        aside.mkdir()
        for name in ("last.pt", "previous.pt", "metrics.jsonl", "run.json"):
            if (self.folder / name).exists():
                (self.folder / name).rename(aside / name)
        names = ", ".join(changed)
        log.warning("the saved state was made from other %s; moved to %s, training anew", names, aside)


def tensor_bytes(values: Any) -> int:
    """Of all tensors in containers of containers."""
    if isinstance(values, torch.Tensor):
        return values.nbytes
    if isinstance(values, dict):
        return sum(map(tensor_bytes, values.values()))
    return sum(map(tensor_bytes, values)) if isinstance(values, list | tuple) else 0


def differing(one: Made, other: Made) -> list[str]:
    """Dotted names of what two runs were made from differently, HARMLESS ones aside."""
    left, right = flat(one), flat(other)
    names = [name for name in {**left, **right} if name.split(".")[-1] not in HARMLESS]
    return [name for name in names if left.get(name) != right.get(name)]


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        with zipfile.ZipFile(path) as archive:  # torch.load itself does not look at the checksums
            damaged = archive.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"{damaged} does not have its checksum")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (
        zipfile.BadZipFile,
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        KeyError,
        ValueError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        log.warning("%s is torn (%s); falling back to the state before it", path, reason)
        return None
    return state
