"""Batches on their way from a loader's worker to the training: in shared memory, or with a clear word."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor

SHARED = Path("/dev/shm")
DEAD, RAISED = "DataLoader worker", "Caught "
"""What torch's message begins with when a worker is gone, and when it raised something."""

T = TypeVar("T")


class Shared(Generic[T]):
    """The same batches, in shared memory, where a worker makes them.

    A worker would move them there itself, but in a thread whose failure nobody hears: the training would wait
    for ever.
    """

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __getitem__(self, step: int) -> T:
        """Raises OSError when there is no room."""
        batch: T = self._batches[step]
        try:
            for tensor in tensors_in(batch):
                if tensor.numel():
                    tensor.share_memory_()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            took = sum(tensor.nbytes for tensor in tensors_in(batch)) / 1e6
            reason = f"no room for the batch of step {step}, {took:.1f} MB{_images(batch)}"
            raise OSError(_cure(reason)) from error
        return batch


def told(coming: Iterator[T], step: int) -> Iterator[T]:
    """The same, but whatever ends a worker is one line; `step` is the first to come."""
    while True:
        try:
            batch = next(coming)
        except (ValueError, OSError, EOFError, RuntimeError) as error:
            said, name = str(error), type(error).__name__
            if said.startswith(RAISED) and isinstance(error, ValueError | OSError):
                # torch's message is the worker's whole traceback; what a person can mend is its last line.
                raise type(error)(said.rpartition(f"\n{name}: ")[2].strip()) from error
            cut_off = isinstance(error, ConnectionError | EOFError) and not said.startswith(RAISED)
            if not (cut_off or said.startswith(DEAD)):
                raise
            raise OSError(_cure(f"{_how(error)}, at work on the batches from step {step} on")) from error
        yield batch
        step += 1


@contextmanager
def told_if_dead() -> Iterator[None]:
    """Inside, a worker's death is one line too: torch raises it wherever the training is at that moment."""
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith(DEAD):
            raise
        raise OSError(_cure(_how(error))) from error


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Of a batch: views, lists, and lists of them."""
    if isinstance(value, Tensor):
        yield value
    elif is_dataclass(value):
        yield from tensors_in([getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors_in(one)


def _how(error: Exception) -> str:
    """The first sentence of what torch says, if it says who died."""
    words = " ".join(str(error).split())
    return words.split(". ")[0].rstrip(". ") if words.startswith(DEAD) else f"a {DEAD} is gone"


def _images(batch: Any) -> str:
    first = batch[0] if isinstance(batch, list) and batch else batch
    ids: Iterable[int] = getattr(first, "image_ids", ())
    return f" (images {', '.join(map(str, ids))})" if ids else ""


def _cure(reason: str) -> str:
    room = ""
    if SHARED.is_dir():
        disk = shutil.disk_usage(SHARED)
        room = f"{SHARED} has {disk.free / 1e6:.0f} of {disk.total / 1e6:.0f} MB free; "
    return (
        f"{reason}; {room}a worker dies of too little shared memory or memory: set `workers: 0` or fewer, "
        f"or give more ({SHARED}: `docker run --shm-size=8g`, `mount -o remount,size=8g {SHARED}`)"
    )
