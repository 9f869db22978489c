"""List scheduling: between its bounds, and what is known of small graphs."""

import random

import pytest

from sdetr.config.timetable import Task, critical_hours, wall_hours


def drawn(seed: int, count: int = 30) -> dict[str, Task]:
    """A graph without circles; some tasks need no GPU, some two."""
    rng = random.Random(seed)
    tasks: dict[str, Task] = {}
    for n in range(count):
        after = frozenset(rng.sample(sorted(tasks), min(len(tasks), rng.randint(0, 3))))
        tasks[f"t{n}"] = Task(rng.choice([0.0, 1.0, 2.5, 7.0]), rng.choice([0, 1, 1, 2]), after)
    return tasks


def work(tasks: dict[str, Task]) -> float:
    return sum(task.hours * task.gpus for task in tasks.values())


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("gpus", [2, 3, 8])
def test_no_schedule_beats_the_longest_chain_or_the_work_shared_evenly(seed: int, gpus: int) -> None:
    tasks = drawn(seed)
    assert wall_hours(tasks, gpus) >= max(critical_hours(tasks), work(tasks) / gpus) - 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_with_a_gpu_for_each_only_the_longest_chain_counts(seed: int) -> None:
    tasks = drawn(seed)
    assert wall_hours(tasks, 1000) == pytest.approx(critical_hours(tasks))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("gpus", [1, 3])
def test_tasks_of_one_gpu_take_no_longer_than_grahams_bound(seed: int, gpus: int) -> None:
    """R. L. Graham, 1969: no list is worse than work / N and the longest chain together."""
    tasks = {name: Task(one.hours, 1, one.after) for name, one in drawn(seed).items()}
    assert wall_hours(tasks, gpus) <= work(tasks) / gpus + critical_hours(tasks) + 1e-9


def test_one_gpu_does_one_thing_at_a_time_and_processors_do_all_at_once() -> None:
    assert wall_hours({"a": Task(3, 1), "b": Task(4, 1)}, 1) == 7
    assert wall_hours({"a": Task(3), "b": Task(4)}, 1) == 4
    assert wall_hours({}, 1) == 0


def test_what_others_wait_for_longest_begins_first() -> None:
    tasks = {"short": Task(2, 1), "first": Task(1, 1), "then": Task(5, 1, frozenset({"first"}))}
    assert wall_hours(tasks, 2) == 6
    assert wall_hours(tasks, 1) == 8


def test_so_does_what_is_released_together_by_something_else() -> None:
    """In the other order the GPU of the long chain would wait for 2 hours."""
    after = frozenset({"data"})
    long = {"first": Task(1, 1, after), "then": Task(5, 1, frozenset({"first"}))}
    short = {"a": Task(2, 1, after), "b": Task(2, 1, after)}
    assert wall_hours({"data": Task(1)} | short | long, 2) == 1 + 6


def test_a_task_that_fits_does_not_wait_for_one_that_does_not() -> None:
    """Of two GPUs one is taken for 5 hours: the wide one has to wait, the small one has not."""
    tasks = {
        "taken": Task(5, 1),
        "wide": Task(4, 2, frozenset({"begin"})),
        "begin": Task(1),
        "small": Task(3, 1),
    }
    small = tasks | {"small": Task(3, 1, frozenset({"begin"}))}
    assert wall_hours(tasks, 2) == wall_hours(small, 2) == 9


def test_more_gpus_at_once_than_there_are_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="wide needs 2 GPUs at once, and there are 1; give --gpus 2"):
        wall_hours({"wide": Task(1, 2)}, 1)


def test_what_was_made_before_is_not_waited_for() -> None:
    assert wall_hours({"a": Task(1, 1, frozenset({"made before"}))}, 1) == 1
