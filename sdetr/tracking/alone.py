"""One process at a time speaks for a root."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdetr.tracking.store import TrackingError

LOCK_S = 10


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Raises TrackingError when another sync of this root goes on for too long."""
    lock = root / "data" / "mlflow.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        until = time.monotonic() + LOCK_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TrackingError("another sync is at work here, and takes along what is new") from None
                time.sleep(0.2)
        yield
