"""A small `params/` of one's own, so that a test can bend it."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VANILLA, CONDITIONAL = "siamese-voc-vanilla-50e", "siamese-voc-conditional-50e"


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """A copy of the project's params/, free to edit."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path / "params"


def edit(params: Path, file: str, old: str, new: str) -> None:
    """Replaces the first `old` in a file of params/."""
    text = (params / file).read_text()
    assert old in text
    (params / file).write_text(text.replace(old, new, 1))


def make_all_rows(params: Path) -> None:
    """Scale demo makes a part of this table's rows."""
    edit(
        params, "scales/demo.yaml", ", rows: [untrained, scratch, updetr, detreg, siamese, siamese-coco]", ""
    )
