"""Say now and then how far a long walk has come."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
log = logging.getLogger(__name__)


def ticking(items: Iterable[Item], total: int, what: str, every_s: float = 5.0) -> Iterator[Item]:
    """The same items; a log line with rate and time left, at most every `every_s` seconds."""
    began = said = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - said >= every_s:
            said, rate = now, done / (now - began)
            log.info("%s: %d of %d, %.0f/s, %.0f s left", what, done, total, rate, (total - done) / rate)
