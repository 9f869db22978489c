"""How far a long walk has come: a bar where somebody looks, a line now and then in a log."""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
log = logging.getLogger(__name__)

WIDTH = 30
EVERY_S = 5.0


class Bar(Generic[Item]):
    """The same items; what is told goes to stderr."""

    def __init__(self, items: Sequence[Item], what: str) -> None:
        self._items, self._what = items, what

    def __iter__(self) -> Iterator[Item]:
        total, seen, told = len(self._items), sys.stderr.isatty(), time.monotonic()
        for done, item in enumerate(self._items):
            if seen:
                full = WIDTH * done // total
                sys.stderr.write(f"\r{self._what} [{'#' * full}{'.' * (WIDTH - full)}] {done}/{total}")
                sys.stderr.flush()
            elif time.monotonic() - told >= EVERY_S:
                told = time.monotonic()
                log.info("%s: %d of %d", self._what, done, total)
            yield item
        if seen:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
