"""metrics.jsonl: one flat line per point, each with its own time; what everything else mirrors."""

import json
import os
import time
from pathlib import Path

from sdetr.files import told_if_full


class Journal:
    """Lines at the end of one file, on disk as soon as they are written."""

    def __init__(self, path: Path, length: int = 0) -> None:
        """Keeps the first `length` bytes, which a saved state knows; later lines will be written again.

        Raises ValueError when the file is shorter.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        found = path.stat().st_size if path.exists() else 0
        if found < length:
            raise ValueError(
                f"{path} has {found} bytes, but the saved state was made when it had {length}; "
                f"the curve is lost: remove {path.parent} to train anew"
            )
        self.path = path
        self._file = path.open("ab")
        self._file.truncate(length)

    def write(self, **values: float) -> None:
        """Adds the time. NaN and infinity are refused: they are not JSON."""
        line = json.dumps({"time": time.time(), **values}, allow_nan=False)
        with told_if_full(self.path):
            self._file.write(line.encode() + b"\n")
            self._file.flush()

    def secured(self) -> int:
        """Bytes so far, which even a power cut does not take away."""
        with told_if_full(self.path):
            os.fsync(self._file.fileno())
        return self._file.tell()
