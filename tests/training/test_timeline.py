import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.training.settings import ScheduleSettings
from sdetr.training.timeline import Timeline


def timeline(
    epochs: int,
    drop: tuple[int, ...] = (),
    steps_per_epoch: float = 10.0,
    warmup_steps: int = 0,
    evaluate_every: int | None = None,
) -> Timeline:
    schedule = ScheduleSettings(
        epochs=epochs,
        drop=drop,
        batch=2,
        lr=1.0,
        lr_backbone=0.0,
        weight_decay=0.0,
        clip=1.0,
        warmup_steps=warmup_steps,
    )
    return Timeline(schedule, steps_per_epoch, evaluate_every)


@pytest.mark.parametrize(
    ("step", "factor"),
    [(0, 0.25), (1, 0.5), (2, 0.75), (3, 1), (4, 1), (39, 1), (40, 0.1), (59, 0.1), (60, 0.01), (99, 0.01)],
)
def test_learning_rate_rises_then_falls_to_a_tenth_at_each_listed_epoch(step: int, factor: float) -> None:
    assert timeline(10, drop=(4, 6), warmup_steps=4).lr_factor(step) == pytest.approx(factor)


def test_detreg_t5_one_drop_is_never_repeated() -> None:
    assert timeline(100, drop=(10,)).lr_factor(999) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("epochs", "length", "total"), [(3, 2.5, 8), (4, 0.5, 2), (1, 0.2, 1), (50, 7.0, 350)]
)
def test_epochs_may_have_a_fractional_length_and_there_is_at_least_one_step(
    epochs: int, length: float, total: int
) -> None:
    assert timeline(epochs, steps_per_epoch=length).total == total


def test_a_drop_falls_on_the_rounded_step() -> None:
    falling = timeline(5, drop=(3,), steps_per_epoch=2.5)
    assert [falling.lr_factor(step) for step in (7, 8)] == pytest.approx([1, 0.1])


def test_an_epoch_is_a_pass_unless_the_schedule_says_otherwise() -> None:
    said = timeline(2).schedule
    assert Timeline.of(said, 13).steps_per_epoch == 13
    assert Timeline.of(said.model_copy(update={"steps_per_epoch": 4.5}), 13).steps_per_epoch == 4.5


def test_the_curve_has_the_start_regular_points_the_epoch_before_each_drop_and_the_end() -> None:
    assert timeline(11, drop=(7,), evaluate_every=5).points() == {0: 0, 50: 5, 70: 7, 100: 10, 110: 11}


def test_without_a_curve_only_the_end_is_evaluated() -> None:
    assert timeline(11, drop=(7,)).points() == {110: 11}


@given(st.integers(1, 40), st.floats(0.1, 9), st.integers(1, 7))
def test_detreg_t26_every_timeline_is_evaluated_at_its_very_end(
    epochs: int, length: float, every: int
) -> None:
    points = timeline(epochs, steps_per_epoch=length, evaluate_every=every)
    assert max(points.points()) == points.total
    assert points.points()[points.total] == epochs
