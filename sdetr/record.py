"""run.json: from what, with what, where and when something was made, so that it can be trusted later."""

import json
import os
import platform
import resource
import socket
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sdetr.commit import current_commit, has_changes
from sdetr.files import sha256

PACKAGES = ("sdetr", "torch", "torchvision", "numpy")


def begin(
    stage: str, run: str, seed: int | None, inputs: dict[str, Path], device: str = "cpu"
) -> dict[str, Any]:
    """The part that is known before anything is computed; inputs are digested here."""
    return {
        "run": run,
        "stage": stage,
        "seed": seed,
        "commit": current_commit(),
        "dirty": has_changes(),
        "inputs": {name: {"path": str(path), "sha256": sha256(path)} for name, path in inputs.items()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "device": device,
        "starts": [],
        "finished": None,
    }


def start_entry(step: int, ranks: int = 1) -> dict[str, Any]:
    """One more process works on the run, from this step on, or several that share it."""
    shared = {"ranks": ranks} if ranks > 1 else {}
    return {"time": time.time(), "host": socket.gethostname(), "pid": os.getpid(), "step": step} | shared


def earlier_starts(path: Path, inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """Starts in the record that a killed run of the same inputs left; none if that run has finished."""
    if not path.exists():
        return []
    left = json.loads(path.read_text(encoding="utf-8"))
    unfinished = left.get("finished") is None and left.get("inputs") == inputs
    return list(left["starts"]) if unfinished else []


def end(
    record: dict[str, Any], outputs: dict[str, Path], seconds: dict[str, float], peak_bytes: int | None = None
) -> dict[str, Any]:
    """The record of a finished run; `peak_bytes` of a device that keeps count, else this process's."""
    return record | {
        "outputs": {name: sha256(path) for name, path in outputs.items()},
        "seconds": {part: round(value, 3) for part, value in seconds.items()},
        "peak_memory_bytes": peak_bytes or peak_of_process(),
        "finished": time.time(),
    }


def peak_of_process() -> int:
    """Most bytes that were resident since it began."""
    unit = 1 if platform.system() == "Darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
