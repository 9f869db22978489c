"""A server of files, and no waiting between tries."""

import pytest

from sdetr.data.fetching import download
from tests.site import site

__all__ = ["site"]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSES_S", (0, 0, 0))
