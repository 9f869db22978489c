"""What would be computed in vain is not begun."""

import socket
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

from sdetr.files import FULL

APART_S = 60.0
"""Clocks of a network may be; a job that takes longer than that is not lost by it."""


def refuse_hopeless(inputs: Iterable[Path], folder: Path) -> None:
    """Raises OSError where nothing can be written, or where what is written would be older than its inputs.

    Snakemake refuses such outputs, and deletes them.
    """
    try:
        now = _stamp(folder)
    except OSError as error:
        cure = "make the folder writable, or let it be a link to one that is"
        raise OSError(
            f"cannot write in {folder}: {error.strerror}; nothing was computed: "
            f"{'make room' if error.errno in FULL else cure}"
        ) from error
    for path in inputs:
        ahead = path.stat().st_mtime - now
        if ahead > APART_S:
            raise OSError(
                f"{path} is {ahead:.0f} s newer than what {socket.gethostname()} writes now in {folder}; "
                "what is made from it would look older, and be deleted; nothing was computed: set the clocks "
                "(`sdetr doctor cluster` compares a cluster's), or `touch` the file if its time is wrong"
            )


def _stamp(folder: Path) -> float:
    """When a file is made there now, by this machine's clock or a server's, as Snakemake touches outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp") as file:
        file.write(b"1")
        file.flush()
        probe = Path(file.name)
        probe.touch()
        return probe.stat().st_mtime
