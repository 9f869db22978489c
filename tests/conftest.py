"""What every test leaves behind as it was at the beginning."""

import signal
from collections.abc import Iterator

import pytest

from sdetr.training.halt import ASKING

AT_FIRST = {number: signal.getsignal(number) for number in ASKING}


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks pipeline tests that look at the project of all tables, so that the others can run beside them.

    Each half makes what its tests share; many of the others wait for a cluster or a clock.
    """
    for item in items:
        shared = isinstance(item, pytest.Function) and {"everything", "all_made"} & set(item.fixturenames)
        if shared and item.get_closest_marker("pipeline"):
            item.add_marker("all_tables")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A training that ends in this process hears no signal any more, and what it starts would not either."""
    yield
    for number, handler in AT_FIRST.items():
        signal.signal(number, handler)
