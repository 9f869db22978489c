"""Where the time went, from records alone."""

import json
from pathlib import Path

import pytest

from sdetr.report.times import times


def record(
    folder: Path, name: str, stage: str, seconds: dict[str, float], began: float, ended: float | None
) -> Path:
    path = folder / f"{name}.json"
    starts = [{"time": began}]
    path.write_text(json.dumps({"stage": stage, "seconds": seconds, "starts": starts, "finished": ended}))
    return path


def test_stages_are_summed_and_what_was_no_training_is_a_share_of_all_cores(tmp_path: Path) -> None:
    paths = [
        record(tmp_path, "a", "data", {"total": 10.0}, 1000.0, 1010.0),
        record(tmp_path, "b", "finetune", {"total": 40.0, "training": 30.0}, 1010.0, 1050.0),
        record(tmp_path, "c", "finetune", {"total": 60.0, "training": 50.0}, 1020.0, 1100.0),
        tmp_path / "never_made.json",
    ]
    said = times(paths, cores=2)
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in said.splitlines()[2:4]] == [
        ["data", "1", "10 s", "–"],
        ["finetune", "2", "100 s", "80 s"],
    ]
    assert "100 s passed on each of 2 cores; 60% of that was no training" in said


def test_what_is_not_finished_does_not_count_and_nothing_at_all_is_said(tmp_path: Path) -> None:
    half = record(tmp_path, "a", "finetune", {"total": 10.0, "training": 9.0}, 0.0, None)
    with pytest.raises(ValueError, match="nothing of this scale is made yet"):
        times([half], cores=2)
