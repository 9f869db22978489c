"""Folders that take nothing, and inputs from the future, are told at once."""

import os
import time
from pathlib import Path

import pytest

from sdetr.hopeless import APART_S, refuse_hopeless


def test_fault_52_a_folder_that_takes_nothing_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper", Path("/proc/sdetr")):
        with pytest.raises(OSError, match=f"cannot write in {folder}: .*; nothing was computed"):
            refuse_hopeless((), folder)


def test_asking_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    refuse_hopeless((), tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_fault_51_inputs_newer_than_what_would_be_made_of_them_are_refused(tmp_path: Path) -> None:
    """Snakemake deletes outputs older than their inputs: clocks that differ would cost a whole training."""
    old, new = tmp_path / "old", tmp_path / "new"
    for path in (old, new):
        path.touch()
    os.utime(new, (time.time(), time.time() + APART_S - 5))
    refuse_hopeless((old, new), tmp_path)
    os.utime(new, (time.time(), time.time() + 3600))
    with pytest.raises(OSError, match=rf"{new} is 3[56]\d\d s newer than what .* writes now in .*`touch`"):
        refuse_hopeless((old, new), tmp_path)


def test_fault_51_a_machines_own_clock_does_not_matter_where_a_server_stamps_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    made.touch()
    behind = time.time() - 3600
    monkeypatch.setattr(time, "time", lambda: behind)
    refuse_hopeless((made,), tmp_path)
    os.utime(made, (behind, made.stat().st_mtime + 3600))
    with pytest.raises(OSError, match=f"{made} is 3[56]"):
        refuse_hopeless((made,), tmp_path)
