"""A small `params/` of one's own, so that a test can bend it."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """A copy of the project's params/, free to edit."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path / "params"
