"""Whoever asks a training to end gets its end, and the training loses nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from sdetr.data.endless import endless
from sdetr.objectives.objective import Objective
from sdetr.training.halt import ASKING, Halted, at_once, at_step_ends, listening
from sdetr.training.loop import train
from sdetr.training.settings import ScheduleSettings
from sdetr.training.timeline import Timeline
from sdetr.types import View
from tests.training.resuming import Batches, Begin, Runs, assert_same_end

LEAVING = (
    "import signal, sys; from sdetr.training.halt import unless_halted\n"
    "def work():\n    print('working', flush=True)\n    signal.pause()\n"
    "unless_halted(work)\n"
)


def asking_in(objective: Objective, step: int, number: signal.Signals) -> Objective:
    """The same objective, hearing a signal in the middle of one of its steps."""
    forward, count = objective.forward, 0

    def asking(views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        nonlocal count
        count += 1
        if count == step:
            os.kill(os.getpid(), number)
        return forward(views, normaliser)

    objective.forward = asking  # type: ignore[method-assign]
    return objective


@pytest.mark.parametrize("number", ASKING)
@pytest.mark.parametrize("step", [1, 5, 12])
def test_fault_44_a_signal_ends_a_training_after_its_step_and_the_next_start_ends_with_the_same_bits(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
    number: signal.Signals,
    step: int,
) -> None:
    settings = schedule(steps_per_epoch=3.0, save_every_s=1e9)
    runs = Runs(tmp_path, type(toy), batches, attempt_in, settings)
    first, asked = runs.begin("asked")
    with pytest.raises(Halted, match=number.name), listening():
        runs.train(asking_in(first, step, number), asked)
    resumed = runs.whole("asked")
    assert [start["step"] for start in resumed[1].record["starts"]] == [0, step]
    assert_same_end(runs.whole(), resumed)


def test_fault_44_an_evaluation_stops_at_once_and_the_steps_before_it_are_saved(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
) -> None:
    settings = schedule(steps_per_epoch=3.0, save_every_s=1e9)
    timeline = Timeline.of(settings, 1, evaluate_every=1)
    *_, point, _ = sorted(timeline.points())

    def asked_for(_objective: Objective, step: int) -> dict[str, float]:
        if step == point:
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("it went on")
        return {}

    with pytest.raises(Halted), listening():
        train(toy, batches, timeline, attempt_in(tmp_path, settings), asked_for)
    resumed = attempt_in(tmp_path, settings)
    assert resumed.saved and resumed.saved["step"] == point > 0


def test_ctrl_c_twice_does_not_wait_for_the_step() -> None:
    with listening(), at_step_ends():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_fault_44_what_was_asked_while_a_step_took_place_ends_the_evaluation_that_follows() -> None:
    with listening(), at_step_ends():
        os.kill(os.getpid(), signal.SIGUSR1)
        with pytest.raises(Halted, match="SIGUSR1"), at_once():
            raise AssertionError("it began")


def test_afterwards_signals_mean_what_they_meant_and_nothing_stays_asked() -> None:
    before = [signal.getsignal(number) for number in ASKING]
    with pytest.raises(Halted), listening():
        os.kill(os.getpid(), signal.SIGTERM)
    assert [signal.getsignal(number) for number in ASKING] == before
    with listening(), at_once():
        pass


def leaving(tmp_path: Path, number: signal.Signals, job: str = "", scontrol: str = "") -> subprocess.Popen:
    """A process that was asked while it worked; `scontrol` is a script in the place of SLURM's."""
    tool = tmp_path / "bin/scontrol"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{scontrol}\n')
    tool.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM")}
    environment |= {"PATH": f"{tool.parent}:{os.environ['PATH']}"} | ({"SLURM_JOB_ID": job} if job else {})
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVING],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "working\n"
    process.send_signal(number)
    return process


@pytest.mark.parametrize("number", ASKING)
def test_fault_44_without_a_cluster_it_exits_and_says_which_signal_it_was(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = leaving(tmp_path, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"asked to stop by {number.name}; everything is saved, the same command continues" in said
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("number, asked", [(signal.SIGUSR1, "requeue 7\n"), (signal.SIGTERM, "")])
def test_fault_44_a_job_stays_until_it_is_killed_and_asks_for_another_turn_before_its_time_is_over(
    tmp_path: Path, number: signal.Signals, asked: str
) -> None:
    process, file = leaving(tmp_path, number, "7"), tmp_path / "asked"
    until = time.monotonic() + 15
    while asked and not file.exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    assert (file.read_text() if file.exists() else "") == asked
    process.kill()
    process.communicate(timeout=60)


def test_fault_44_a_job_that_may_not_have_another_turn_says_why_and_fails(tmp_path: Path) -> None:
    process = leaving(tmp_path, signal.SIGUSR1, "7", "echo 'Requested operation is disabled' >&2; exit 1")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGUSR1
    assert "scontrol requeue 7: Requested operation is disabled" in said


class Pids:
    """Batches that say who made them."""

    def __getitem__(self, step: int) -> int:
        return os.getpid()


def test_workers_of_a_loader_are_no_victims_of_what_the_training_is_asked() -> None:
    coming = endless(Pids(), 0, 1)
    worker = next(coming)
    assert worker != os.getpid()
    for number in ASKING:
        os.kill(worker, number)
    assert {next(coming) for _ in range(8)} == {worker}
