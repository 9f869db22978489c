"""One process at a time writes at a place."""

import fcntl
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def alone(path: Path, wait: bool) -> Iterator[None]:
    """Holds `.<name>.lock` beside `path`; a process that dies lets go of it. OSError if another has it,
    unless `wait`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read() or "another process"
            if not wait:
                raise OSError(f"{who} is fetching {path}; wait until it has ended") from None
            log.info("waiting for %s, which is fetching %s", who, path)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"process {os.getpid()} of {platform.node()}")
        file.flush()
        yield
