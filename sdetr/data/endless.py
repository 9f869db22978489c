"""Batch after batch for ever, from any step on, by workers if there are any."""

import atexit
import os
import signal
from collections.abc import Iterator
from itertools import count
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import Protocol, TypeVar

import torch
from torch.utils.data import DataLoader

from sdetr.data.shared import Shared, told

T = TypeVar("T", covariant=True)


class Batches(Protocol[T]):
    """Any batch by its step."""

    def __getitem__(self, step: int, /) -> T: ...


def endless(batches: Batches[T], step: int, workers: int) -> Iterator[T]:
    """The batches of `step`, `step` + 1, …: the same ones for any number of workers.

    Raises OSError, with what to set, where a worker dies or there is too little memory to hand a batch over.
    """
    if not workers:
        return map(batches.__getitem__, count(step))
    loader: DataLoader[T] = DataLoader(
        Shared(batches),  # type: ignore[arg-type]  # `[step]` is all it needs
        batch_size=None,
        sampler=count(step),
        num_workers=workers,
        generator=torch.Generator(),  # not the run's own: a resumed run would differ
        worker_init_fn=_undisturbed,
    )
    others = active_children()
    coming = iter(loader)
    atexit.register(_end, os.getpid(), [child for child in active_children() if child not in others])
    return told(coming, step)


def _undisturbed(_worker: int) -> None:
    """Schedulers signal every process of a job; when to end, the training says, which needs its workers."""
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _end(parent: int, workers: list[BaseProcess]) -> None:
    """At the end of a process that an error ended nobody told its workers; Python asks them by SIGTERM alone.

    They do not hear it, and Python would wait for them for ever.
    """
    if os.getpid() != parent:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch takes a worker's end for an accident
    for worker in workers:
        if worker.is_alive():
            worker.kill()
