"""run.json: from what, with what, where and when a run was made, so that a number can be trusted later."""

import json
import os
import platform
import resource
import shutil
import socket
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from sdetr.files import sha256
from sdetr.training.device import describe

PACKAGES = ("sdetr", "torch", "torchvision", "numpy")


def begin(
    stage: str, run: str, seed: int | None, inputs: dict[str, Path], device: torch.device
) -> dict[str, Any]:
    """The part that is known before anything is computed; inputs are digested here."""
    commit, dirty = _commit()
    return {
        "run": run,
        "stage": stage,
        "seed": seed,
        "commit": commit,
        "dirty": dirty,
        "inputs": {name: {"path": str(path), "sha256": sha256(path)} for name, path in inputs.items()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "device": describe(device),
        "starts": [],
        "finished": None,
    }


def start_entry(step: int) -> dict[str, Any]:
    """One more process works on the run, from this step on."""
    return {"time": time.time(), "host": socket.gethostname(), "pid": os.getpid(), "step": step}


def earlier_starts(path: Path, inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """Starts in the record that a killed run of the same inputs left; none if that run has finished."""
    if not path.exists():
        return []
    left = json.loads(path.read_text(encoding="utf-8"))
    unfinished = left.get("finished") is None and left.get("inputs") == inputs
    return list(left["starts"]) if unfinished else []


def end(record: dict[str, Any], outputs: dict[str, Path], seconds: dict[str, float]) -> dict[str, Any]:
    """The record of a finished run."""
    return record | {
        "outputs": {name: sha256(path) for name, path in outputs.items()},
        "seconds": {part: round(value, 3) for part, value in seconds.items()},
        "peak_memory_bytes": peak_memory_bytes(record["device"]),
        "finished": time.time(),
    }


def peak_memory_bytes(device: str) -> int:
    """Of the device if it keeps count, else of this process."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if platform.system() == "Darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _commit() -> tuple[str | None, bool]:
    """Commit of the code, and whether tracked files differ from it; (None, False) outside a repository."""
    git = shutil.which("git")
    here = Path(__file__).parent
    if git is None:
        return None, False
    head = subprocess.run([git, "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    if head.returncode:
        return None, False
    status = subprocess.run(
        [git, "status", "--porcelain", "--untracked-files=no"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return head.stdout.strip(), bool(status.stdout.strip())
