import json
import time
from pathlib import Path

import pytest

from sdetr.training.journal import Journal


def lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_line_is_on_disk_at_once_with_its_own_time(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    journal = Journal(path)
    before = time.time()
    journal.write(step=1, **{"train/total": 0.5})
    (line,) = lines(path)
    assert line == {"time": line["time"], "step": 1, "train/total": 0.5}
    assert before <= line["time"] <= time.time()


def test_lines_after_the_saved_state_are_cut_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    journal = Journal(path)
    journal.write(step=1)
    length = journal.secured()
    journal.write(step=2)
    again = Journal(path, length)
    again.write(step=2)
    assert [line["step"] for line in lines(path)] == [1, 2]
    assert again.secured() == path.stat().st_size


def test_a_new_training_begins_with_an_empty_curve(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    Journal(path).write(step=1)
    Journal(path)
    assert lines(path) == []


def test_a_curve_shorter_than_the_state_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"metrics.jsonl has 0 bytes.*remove .* to train anew"):
        Journal(tmp_path / "metrics.jsonl", 10)


def test_fault_40_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        Journal(tmp_path / "metrics.jsonl").write(step=1, loss=float("nan"))
