import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sdetr.objectives.objective import Objective
from sdetr.training import loop
from sdetr.training.attempt import logged_to
from sdetr.training.capsule import Capsule
from sdetr.training.loop import train
from sdetr.training.settings import ScheduleSettings
from sdetr.training.timeline import Timeline
from sdetr.types import View
from tests.training.resuming import (
    Batches,
    Begin,
    Killed,
    Runs,
    assert_same_end,
    curve,
    evaluated,
    killed_in,
)


@pytest.mark.parametrize("ema", [None, 0.8])
@pytest.mark.parametrize("forwards", [1, 2, 9, 14, 24])
def test_fault_45_a_killed_run_ends_with_the_same_bits_and_the_same_curve(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
    forwards: int,
    ema: float | None,
) -> None:
    settings = schedule(steps_per_epoch=3.0, micro_batch=2, ema=ema)
    runs = Runs(tmp_path, type(toy), batches, attempt_in, settings, evaluate_every=1)
    first, killed = runs.begin("killed")
    with pytest.raises(Killed):
        runs.train(killed_in(first, forwards), killed)
    torch.rand(100)
    resumed = runs.whole("killed")
    assert [start["step"] for start in resumed[1].record["starts"]] == [0, (forwards - 1) // 2]
    assert_same_end(runs.whole(), resumed)


def test_fault_45_a_rarely_saved_run_continues_inside_the_window_of_a_line(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
) -> None:
    # a line every 4 steps, a state after every one
    runs = Runs(tmp_path, type(toy), batches, attempt_in, schedule(epochs=40, drop=[]))
    first, killed = runs.begin("killed")
    with pytest.raises(Killed):
        runs.train(killed_in(first, 7), killed)
    resumed = runs.whole("killed")
    assert_same_end(runs.whole(), resumed)
    assert [line["step"] for line in curve(resumed[1])][:3] == [4, 8, 12]


def test_a_line_is_the_mean_over_its_steps_and_carries_rate_and_epoch(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
) -> None:
    settings = schedule(epochs=30, drop=[20], lr=1e-9, lr_backbone=0.0, weight_decay=0.0, clip=1e9)
    toy.dropout.p = 0.0
    attempt = attempt_in(tmp_path, settings)
    train(toy, batches, Timeline.of(settings, 1), attempt, evaluated)
    from sdetr.data.normalise import normalise

    views = batches(0)
    losses = []
    for _ in range(3):
        view = normalise(*next(views))
        losses.append(toy([view], toy.normaliser([[view]]))["label"].item())
    first, last = curve(attempt)[0], curve(attempt)[-2]
    assert first["train/label"] == pytest.approx(sum(losses) / 3, rel=1e-4)
    assert first["train/total"] == pytest.approx(first["train/label"] + 0.5 * first["train/size"], rel=1e-5)
    assert (first["step"], first["epoch"], first["train/lr"]) == (3, 3.0, pytest.approx(1e-9))
    assert (last["step"], last["train/lr"]) == (30, pytest.approx(1e-10))


def test_points_of_the_curve_carry_their_epoch_as_a_whole_number(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
) -> None:
    settings = schedule(steps_per_epoch=2.6)
    attempt = attempt_in(tmp_path, settings)
    train(toy, batches, Timeline.of(settings, 1, evaluate_every=2), attempt, evaluated)
    points = [(line["step"], line["epoch"]) for line in curve(attempt) if "test/AP" in line]
    assert points == [(0, 0.0), (5, 2.0), (8, 3.0), (10, 4.0)]


def test_fault_39_a_loss_that_is_not_finite_stops_the_run_and_leaves_the_saved_state(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
) -> None:
    settings = schedule(epochs=10, drop=[])
    forward = toy.forward

    def diverging(views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        losses = forward(views, normaliser)
        return {**losses, "size": losses["size"] * (torch.nan if views[0].image_ids[0] == 600 else 1)}

    toy.forward = diverging  # type: ignore[method-assign]
    attempt = attempt_in(tmp_path, settings)
    with pytest.raises(FloatingPointError, match=r"step 6: total, size not finite, on images \[600, 601"):
        train(toy, batches, Timeline.of(settings, 1), attempt, evaluated)
    saved = attempt_in(tmp_path, settings).saved
    assert saved is not None
    assert saved["step"] == 6
    assert all(value.isfinite().all() for value in saved["objective"].values())
    kept = Capsule.load(attempt.folder / "capsule.pt")
    assert (kept.step, kept.batch[0].image_ids[0]) == (6, 600)
    assert all(torch.equal(value, saved["objective"][name]) for name, value in kept.weights.items())


def test_fault_39_a_full_disk_does_not_hide_what_was_not_finite(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Capsule, "save", full)
    settings = schedule()
    toy.weights["size"] = float("inf")
    with pytest.raises(FloatingPointError, match=r"step 0: total not finite.*; no capsule .*No space left"):
        train(toy, batches, Timeline.of(settings, 1), attempt_in(tmp_path, settings), evaluated)


def test_fault_47_a_state_folder_has_one_owner_until_its_process_lets_go(tmp_path: Path) -> None:
    log_file = tmp_path / "state" / "train.log"
    with (
        logged_to(log_file),
        pytest.raises(
            ValueError, match=rf"belongs to process {os.getpid()} on .*; its heart beat \d s ago: wait"
        ),
        logged_to(log_file),
    ):
        pass
    with logged_to(log_file):
        assert (tmp_path / "state" / "lock").exists()


def test_a_schedule_says_how_to_compile_and_graphs_hear_of_every_step(
    tmp_path: Path,
    toy: Objective,
    batches: Batches,
    schedule: Callable[..., ScheduleSettings],
    attempt_in: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = schedule(compile="graphs")
    heard: list[str] = []
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: heard.append("step"))
    monkeypatch.setattr(loop, "compile_for", lambda device, _, how: heard.append(f"{device} {how}"))
    timeline = Timeline.of(settings, 2, evaluate_every=1)
    train(toy, batches, timeline, attempt_in(tmp_path, settings), evaluated)
    assert heard == ["cpu graphs", *["step"] * timeline.total]
