"""What every test leaves behind as it was at the beginning."""

import signal
from collections.abc import Iterator

import pytest

from sdetr.training.halt import ASKING

AT_FIRST = {number: signal.getsignal(number) for number in ASKING}


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A training that ends in this process hears no signal any more, and what it starts would not either."""
    yield
    for number, handler in AT_FIRST.items():
        signal.signal(number, handler)
