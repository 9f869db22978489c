"""Small disks, and folders that may only be read, for one process alone: root is refused by nothing else."""

import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest


def on_small_disk(folder: Path, size: str) -> list[str]:
    """Words before a command, to which a folder is an empty disk of that size."""
    return _mounting(f"mount -t tmpfs -o size={size} none {shlex.quote(str(folder))}")


def read_only(folder: Path) -> list[str]:
    """Words before a command that may not write in a folder."""
    where = shlex.quote(str(folder))
    return _mounting(f"mount --bind {where} {where} && mount -o remount,ro,bind {where}")


def _mounting(words: str) -> list[str]:
    """In a name space of the command's own, which ends with it. Skips the test where that is not allowed."""
    if reason := _refused():
        pytest.skip(f"nothing can be mounted here: {reason}")
    return ["unshare", "--mount", "sh", "-c", f'{words} && exec "$@"', "sh"]


@cache
def _refused() -> str:
    try:
        mount = "mount -t tmpfs none /tmp"
        done = subprocess.run(["unshare", "--mount", "sh", "-c", mount], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""
