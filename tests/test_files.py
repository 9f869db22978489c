"""Files are whole or absent, and folders that take none say so at once."""

from pathlib import Path

import pytest

from sdetr.files import refuse_unwritable


def test_fault_52_a_folder_that_takes_nothing_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper", Path("/proc/sdetr")):
        with pytest.raises(OSError, match=f"cannot write in {folder}: .*; nothing was computed"):
            refuse_unwritable(folder)


def test_asking_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    refuse_unwritable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
