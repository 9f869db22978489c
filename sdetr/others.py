"""What is said where processes that share a training wait for each other in vain."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = float(os.environ.get("SDETR_PATIENCE_S", "600"))
"""How long a rank waits for the others: longer than an evaluation's pictures take, shorter than a night."""

GONE = re.compile(r"connect|peer|timed? ?out|broken pipe|remote process|socket|network", re.IGNORECASE)
"""In what gloo, NCCL and the store say of it."""


def _shortly(said: str) -> str:
    """One line of many, and NCCL's last."""
    lines = said.splitlines()
    return " ".join([lines[0], *(line for line in lines[1:] if "ast error" in line)])


@contextmanager
def told_if_gone() -> Iterator[None]:
    """Raises ConnectionError where another rank is gone, or has not come in time."""
    began = time.monotonic()
    try:
        yield
    except RuntimeError as error:  # what carries the sums has no kind of its own for it
        if not GONE.search(str(error)):
            raise
        waited = f"rank {os.environ.get('RANK', '?')} waited {time.monotonic() - began:.0f} s for the others"
        raise ConnectionError(
            f"{waited}: one of them died, and says why above, or hangs (SDETR_PATIENCE_S={PATIENCE_S:.0f}); "
            f"the same command continues from the saved state. {_shortly(str(error))}"
        ) from error
