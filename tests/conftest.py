"""What every test leaves behind as it was at the beginning."""

import signal
from collections.abc import Iterator

import pytest

from sdetr.training.halt import ASKING

AT_FIRST = {number: signal.getsignal(number) for number in ASKING}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pipeline tests in two processes: those that look at the project of all tables, and the others.

    Each process makes what its tests share; many of the others wait for a cluster or a clock.
    """
    for item in items:
        if item.get_closest_marker("pipeline") and isinstance(item, pytest.Function):
            shared = {"everything", "all_made"} & set(item.fixturenames)
            item.add_marker(pytest.mark.xdist_group("all tables" if shared else "others"))


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A training that ends in this process hears no signal any more, and what it starts would not either."""
    yield
    for number, handler in AT_FIRST.items():
        signal.signal(number, handler)
