"""What happens to a loader's worker is one line for whoever waits for its batches."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import torch

from sdetr.data.endless import endless
from sdetr.data.shared import SHARED, Shared, told_if_dead
from sdetr.types import View
from tests.mounting import on_small_disk


def view(step: int) -> View:
    images = torch.full((2, 3, 300, 300), step, dtype=torch.uint8)
    labels = [torch.zeros(0, dtype=torch.int64), torch.ones(3, dtype=torch.int64)]
    return View(images, torch.zeros(2, 300, 300, dtype=torch.bool), [2 * step, 2 * step + 1], labels=labels)


class Views:
    """Of 0.7 MB each."""

    def __getitem__(self, step: int) -> list[View]:
        return [view(step)]


class Killed(Views):
    """Whoever makes the fourth does not survive it."""

    def __getitem__(self, step: int) -> list[View]:
        if step == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(step)


class Broken(Views):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getitem__(self, step: int) -> list[View]:
        raise self.error


def test_batches_of_workers_lie_in_shared_memory_and_are_the_same() -> None:
    for (one,), step in zip(endless(Views(), 5, 2), range(5, 9), strict=False):
        other = view(step)
        assert torch.equal(one.images, other.images) and one.image_ids == other.image_ids
        assert [label.tolist() for label in one.labels] == [label.tolist() for label in other.labels]
    (shared,) = Shared(Views())[0]
    assert shared.images.is_shared() and shared.padding.is_shared() and shared.labels[1].is_shared()


# torch raises what it hears of a worker in whatever runs at that moment, in a destructor, too
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("workers", [1, 2])
def test_fault_53_a_worker_that_is_killed_is_told_with_what_to_set(workers: int) -> None:
    with (
        pytest.raises(OSError, match=r"DataLoader worker.*; .*: set `workers: 0` or fewer, or give"),
        told_if_dead(),
    ):
        for _ in zip(endless(Killed(), 0, workers), range(8), strict=False):
            pass


@pytest.mark.parametrize(
    "error", [ValueError("cannot read image a: b.jpg"), FileNotFoundError("no image a: b")]
)
def test_fault_53_what_a_worker_cannot_read_is_the_one_line_that_it_is_without_workers(
    error: Exception,
) -> None:
    for workers in (0, 1):
        with pytest.raises(type(error)) as caught, told_if_dead():
            next(endless(Broken(error), 0, workers))
        assert str(caught.value) == str(error)


def test_what_no_person_can_mend_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"in __getitem__[\s\S]*RuntimeError: a bug"), told_if_dead():
        next(endless(Broken(RuntimeError("a bug")), 0, 1))


ENDING = """if True:
    import sys
    from sdetr.data.endless import endless
    from tests.data.test_shared import Views
    coming = endless(Views(), 0, 2)
    next(coming)
    sys.exit(3)
"""


def test_fault_53_a_training_that_ends_by_an_error_ends_with_its_workers() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (3, "")


WAITING = """if True:
    from sdetr.data.endless import endless
    from tests.data.test_shared import Views
    coming = endless(Views(), 0, 1)
    try:
        print([next(coming)[0].images.shape for _ in range(9)])
    except OSError as error:
        print(error)
"""


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared memory is no file system here")
def test_fault_53_too_little_shared_memory_is_told_and_nobody_waits_for_ever() -> None:
    def said(size: str) -> str:
        command = [*on_small_disk(SHARED, size), sys.executable, "-c", WAITING]
        done: Any = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    small = said("400k")
    assert small.startswith(
        "no room for the batch of step 0, 0.7 MB (images 0, 1); /dev/shm has 0 of 0 MB free"
    )
    assert "`workers: 0`" in small and "--shm-size" in small
    assert said("64m").startswith("[torch.Size([2, 3, 300, 300])")
