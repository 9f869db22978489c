"""Whether a disk has room, asked before anything is written on it."""

import shutil
from pathlib import Path

SPARE_BYTES = 1 << 28
"""Left to others."""


def enough_room(folder: Path, needed_bytes: int, what: str, spare_bytes: int | None = None) -> None:
    """OSError, naming both numbers, if the disk of `folder` has less free than that and some to spare."""
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    spare = SPARE_BYTES if spare_bytes is None else spare_bytes
    if needed_bytes + spare > free:
        raise OSError(
            f"{what} needs {needed_bytes / 1e9:.1f} GB, but the disk of {there} has {free / 1e9:.1f} GB "
            f"free; make room, or let {folder} be a link to a folder of another disk"
        )
