"""Ends a real process where it hurts: while its output is half written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TRIES = 10
"""A small file can be written between two looks."""


def killed_while_writing(out: Path, *words: object) -> None:
    """Runs `sdetr <words>` until a temporary file for `out` is there, then no further."""
    assert any(_killed(out, words) for _ in range(TRIES)), f"{out} was always there before the signal was"


def _killed(out: Path, words: tuple[object, ...]) -> bool:
    out.unlink(missing_ok=True)
    code = "import sys; from sdetr.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    while not list(out.parent.glob(f".{out.name}.*.tmp")) and process.poll() is None:
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL and not out.exists()
