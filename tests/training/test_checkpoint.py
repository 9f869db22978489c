import logging
from pathlib import Path

import pytest
import torch

from sdetr.training.checkpoint import Checkpoint, differing

MADE = {"settings": {"protocol": {"lr": 0.1, "workers": 2}}, "inputs": {"init": "abc"}}


def saved_twice(folder: Path) -> Checkpoint:
    checkpoint = Checkpoint(folder, MADE)
    for step in (1, 2):
        checkpoint.save({"step": step, "weights": torch.full((3,), float(step))})
    return checkpoint


def test_the_newest_state_comes_back(tmp_path: Path) -> None:
    state = saved_twice(tmp_path).load()
    assert state is not None
    assert state["step"] == 2
    assert state["weights"].tolist() == [2, 2, 2]


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_fault_43_a_torn_last_state_falls_back_to_the_previous_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, length: int
) -> None:
    checkpoint = saved_twice(tmp_path)
    checkpoint.last.write_bytes(checkpoint.last.read_bytes()[:length])
    with caplog.at_level(logging.WARNING, "sdetr"):
        state = checkpoint.load()
    assert state is not None
    assert state["step"] == 1
    assert len(caplog.records) == 1
    assert "last.pt is torn" in caplog.text


def test_fault_43_flipped_bytes_in_the_last_state_are_noticed(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, MADE)
    checkpoint.save({"step": 1})
    checkpoint.save({"step": 2, "weights": torch.zeros(20_000)})
    content = bytearray(checkpoint.last.read_bytes())
    content[len(content) // 2] ^= 255
    checkpoint.last.write_bytes(content)
    state = checkpoint.load()
    assert state is not None
    assert state["step"] == 1


def test_fault_43_a_kill_between_the_two_renames_loses_one_state_only(tmp_path: Path) -> None:
    checkpoint = saved_twice(tmp_path)
    checkpoint.last.unlink()
    state = checkpoint.load()
    assert state is not None
    assert state["step"] == 1


def test_fault_43_a_half_written_file_of_a_killed_process_is_cleaned(tmp_path: Path) -> None:
    checkpoint = saved_twice(tmp_path)
    half = tmp_path / ".last.pt.123.tmp"
    half.write_bytes(b"half")
    checkpoint.load()
    assert not half.exists()


def test_fault_42_a_failed_save_leaves_the_old_state(tmp_path: Path) -> None:
    checkpoint = saved_twice(tmp_path)
    with pytest.raises(Exception, match="pickle"):
        checkpoint.save({"step": 3, "weights": lambda: None})
    state = checkpoint.load()
    assert state is not None
    assert state["step"] == 2
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (
            {"settings": {"protocol": {"lr": 0.2, "workers": 2}}, "inputs": {"init": "abc"}},
            "settings.protocol.lr",
        ),
        ({"settings": {"protocol": {"lr": 0.1, "workers": 2}}, "inputs": {"init": "xyz"}}, "inputs.init"),
    ],
)
def test_fault_46_a_state_of_something_else_is_moved_aside_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, other: dict[str, object], named: str
) -> None:
    saved_twice(tmp_path)
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with caplog.at_level(logging.WARNING, "sdetr"):
        assert Checkpoint(tmp_path, other).load() is None
    assert named in caplog.text
    aside = sorted(path.name for path in (tmp_path / "superseded-1").iterdir())
    assert aside == ["last.pt", "metrics.jsonl", "previous.pt"]
    saved_twice(tmp_path)
    Checkpoint(tmp_path, other).load()
    assert (tmp_path / "superseded-2").is_dir()


def test_fault_46_settings_that_change_no_number_do_not_cost_the_state(tmp_path: Path) -> None:
    saved_twice(tmp_path)
    other = {"settings": {"protocol": {"lr": 0.1, "save_every_s": 5}}, "inputs": {"init": "abc"}}
    assert differing(MADE, other) == []
    assert Checkpoint(tmp_path, other).load() is not None


def test_fault_46_a_finished_run_keeps_no_states(tmp_path: Path) -> None:
    saved_twice(tmp_path)
    Checkpoint(tmp_path, {"settings": {}}).load()
    checkpoint = saved_twice(tmp_path)
    checkpoint.clear()
    assert list(tmp_path.rglob("*.pt")) == []
    assert checkpoint.load() is None
