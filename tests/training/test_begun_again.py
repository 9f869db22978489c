"""A training that begins again, and what became of its folder meanwhile."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sdetr.objectives.objective import Objective
from sdetr.training.attempt import Attempt
from sdetr.training.loop import train
from sdetr.training.ranks import Ranks
from sdetr.training.settings import ScheduleSettings
from sdetr.training.timeline import Timeline
from tests.training.resuming import Batches, Begin, Killed, Runs, assert_same_end, evaluated, killed_in


@pytest.fixture
def runs(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
) -> Runs:
    return Runs(tmp_path, type(toy), batches, attempt_in, schedule())


def test_fault_46_other_settings_train_anew_beside_the_old_state(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
) -> None:
    settings = schedule(epochs=10, drop=[])
    with pytest.raises(Killed):
        train(killed_in(toy, 5), batches, Timeline.of(settings, 1), attempt_in(tmp_path, settings), evaluated)
    anew = attempt_in(tmp_path, schedule(epochs=10, drop=[], lr=0.5))
    assert anew.saved is None
    assert (anew.folder / "superseded-1" / "last.pt").exists()
    assert [start["step"] for start in anew.record["starts"]] == [0]


def test_a_finished_run_whose_results_are_gone_begins_anew_and_has_one_start(
    tmp_path: Path, runs: Runs
) -> None:
    expected, attempt = runs.whole("run")
    attempt.finish(tmp_path / "run.json", {})
    again = runs.whole("run")
    assert again[1].saved is None
    assert [start["step"] for start in again[1].record["starts"]] == [0]
    assert_same_end((expected, attempt), again)


@dataclass(frozen=True)
class Several(Ranks):
    """The leading one of so many, who keeps to itself."""

    def led(self, value: Any) -> Any:
        return value


def killed_at_the_third(runs: Runs) -> Attempt:
    """A run that died in its third step, two of them saved."""
    objective, attempt = runs.begin("killed")
    with pytest.raises(Killed):
        runs.train(killed_in(objective, 3), attempt)
    return attempt


def test_fault_46_another_number_of_ranks_continues_the_same_state_and_the_record_says_so(
    tmp_path: Path, runs: Runs
) -> None:
    killed_at_the_third(runs)
    resumed = runs.attempt_in(tmp_path / "killed", runs.settings, Several(0, 2))
    assert resumed.saved and resumed.saved["step"] == 2
    starts = [(start["step"], start.get("ranks", 1)) for start in resumed.record["starts"]]
    assert starts == [(0, 1), (2, 2)]


@pytest.mark.parametrize("damage", ["torn", "gone"])
def test_fault_43_a_run_whose_last_state_is_no_use_goes_back_to_the_one_before_and_ends_with_the_same_bits(
    tmp_path: Path, runs: Runs, damage: str
) -> None:
    last = killed_at_the_third(runs).folder / "last.pt"
    if damage == "torn":
        last.write_bytes(last.read_bytes()[:-100])
    else:
        last.unlink()  # killed between the two renames
    (last.parent / ".last.pt.123-abcdef.tmp").write_bytes(b"half")
    resumed = runs.whole("killed")
    assert [start["step"] for start in resumed[1].record["starts"]] == [0, 1]
    assert_same_end(runs.whole(), resumed)
    assert not list(last.parent.glob(".*.tmp"))


def test_fault_50_inputs_that_change_while_a_run_trains_keep_it_from_finishing(
    tmp_path: Path, runs: Runs
) -> None:
    whole, attempt = runs.whole("run")
    start, out = tmp_path / "run" / "start", tmp_path / "out.json"
    before = start.read_bytes()
    start.write_text("another start")
    with pytest.raises(ValueError, match=r"run/start \(init\) changed while this ran: its sha256 was .*put"):
        attempt.finish(out, {})
    assert not out.exists()
    start.write_bytes(before)
    again = runs.attempt_in(tmp_path / "run", runs.settings)
    assert again.saved and again.saved["step"] == runs.timeline.total  # nothing is trained a second time
    assert_same_end((whole, attempt), runs.train(runs.made(), again))
    again.finish(out, {})
    assert json.loads(out.read_text())["finished"]


def test_fault_51_times_in_the_future_change_nothing(tmp_path: Path, runs: Runs) -> None:
    killed = killed_at_the_third(runs)
    later = time.time() + 86400
    for path in killed.folder.rglob("*"):
        os.utime(path, (later, later))
    os.utime(killed.folder / "last.pt", (0, 0))  # and the newest state is from 1970
    resumed = runs.whole("killed")
    assert [start["step"] for start in resumed[1].record["starts"]] == [0, 2]
    assert_same_end(runs.whole(), resumed)
