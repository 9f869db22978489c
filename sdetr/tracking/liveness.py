"""Whether anybody still works on an unfinished run, asked without touching its lock."""

import socket
import time
from pathlib import Path
from typing import Any

QUIET_S = 900
"""A run elsewhere that has written nothing for so long is taken for dead."""
LOCKS = Path("/proc/locks")


def is_alive(state: Path, record: dict[str, Any]) -> bool:
    """Of a state folder and its record: by the kernel's list of locks on the same machine, else by its age.

    Taking the lock to try it would make a trainer that starts in that moment believe itself second.
    """
    if record["starts"][-1]["host"] == socket.gethostname() and LOCKS.exists():
        return _is_held(state / "lock")
    return time.time() - last_sign(state) < QUIET_S


def last_sign(state: Path) -> float:
    """When the run last wrote something, in seconds since the epoch; 0 if it never did."""
    files = (state / name for name in ("metrics.jsonl", "train.log", "run.json"))
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def _is_held(lock: Path) -> bool:
    """A line reads `1: FLOCK  ADVISORY  WRITE 708 00:13:4051 0 EOF`."""
    if not lock.exists():
        return False
    place = f":{lock.stat().st_ino}"
    lines = [line.split() for line in LOCKS.read_text().splitlines()]
    return any("FLOCK" in words and any(word.endswith(place) for word in words) for words in lines)
