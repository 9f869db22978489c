"""run.json: from what, with what, where and when something was made, so that it can be trusted later.

Whether a file is still the one that was made, or that was read, is decided by digests: never by a clock.
"""

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
from sdetr.hopeless import refuse_hopeless

PACKAGES = ("sdetr", "torch", "torchvision", "numpy")


def begin(
    stage: str, run: str, seed: int | None, inputs: dict[str, Path], out: Path, device: str = "cpu"
) -> dict[str, Any]:
    """The part that is known before anything is computed; inputs are digested here.

    Raises ValueError for one that is not what its own record says was written, OSError where nothing of use
    could be written in the folder `out`.
    """
    refuse_hopeless(inputs.values(), out)
    return {
        "run": run,
        "stage": stage,
        "seed": seed,
        "commit": current_commit(),
        "dirty": has_changes(),
        "inputs": {name: {"path": str(path), "sha256": _sound(path)} for name, path in inputs.items()},
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
    """The record of a finished run; `peak_bytes` of a device that keeps count, else this process's.

    Raises ValueError when an input is no more what it was: then nobody can say what the run was made from.
    """
    _refuse_changed(record["inputs"])
    return record | {
        "outputs": {name: sha256(path) for name, path in outputs.items()},
        "seconds": {part: round(value, 3) for part, value in seconds.items()},
        "peak_memory_bytes": peak_bytes or peak_of_process(),
        "finished": time.time(),
    }


def _sound(path: Path) -> str:
    """Digest of an input. What a record beside it knows otherwise was torn on its way, or changed since.

    An index (.json) is text that people may mend; what it says is checked where it is read.
    """
    found = sha256(path)
    records = () if path.suffix == ".json" else (path.with_suffix(".json"), path.with_name("run.json"))
    for beside in filter(Path.exists, records):
        try:
            told = json.loads(beside.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"{beside} is torn ({error}), so nobody knows whether {path} is whole; remove both, and the "
                "same `snakemake` command makes them again"
            ) from error
        made = told.get("outputs", {}).get(path.name, found) if isinstance(told, dict) else found
        if made != found:
            raise ValueError(
                f"{path} is torn, or was changed since it was made: {path.stat().st_size} bytes of sha256 "
                f"{found[:12]}…, but {beside} says {made[:12]}…; remove it, and the same `snakemake` "
                "command makes it again"
            )
    return found


def _refuse_changed(inputs: dict[str, Any]) -> None:
    """Settings are kept as they were when the run began, so the plan may write others meanwhile."""
    for name, entry in inputs.items():
        path = Path(entry["path"])
        if name == "settings":
            continue
        now = sha256(path) if path.exists() else ""
        if now != entry["sha256"]:
            found = f"now it is {now[:12]}…" if now else "now there is none"
            raise ValueError(
                f"{path} ({name}) changed while this ran: its sha256 was {entry['sha256'][:12]}…, {found}; "
                "the result would be of neither: put the first back and the same command finishes, or leave "
                "the new one and it begins anew"
            )


def peak_of_process() -> int:
    """Most bytes that were resident since it began."""
    unit = 1 if platform.system() == "Darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
