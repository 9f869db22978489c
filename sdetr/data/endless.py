"""Batch after batch for ever, from any step on, by workers if there are any."""

import signal
from collections.abc import Iterator
from itertools import count
from typing import Protocol, TypeVar

import torch
from torch.utils.data import DataLoader

T = TypeVar("T", covariant=True)


class Batches(Protocol[T]):
    """Any batch by its step."""

    def __getitem__(self, step: int, /) -> T: ...


def endless(batches: Batches[T], step: int, workers: int) -> Iterator[T]:
    """The batches of `step`, `step` + 1, …: the same ones for any number of workers."""
    if not workers:
        return map(batches.__getitem__, count(step))
    loader: DataLoader[T] = DataLoader(
        batches,  # type: ignore[arg-type]  # `[step]` is all it needs
        batch_size=None,
        sampler=count(step),
        num_workers=workers,
        generator=torch.Generator(),  # not the run's own: a resumed run would differ
        worker_init_fn=_undisturbed,
    )
    return iter(loader)


def _undisturbed(_worker: int) -> None:
    """Schedulers signal every process of a job; when to end, the training says, which needs its workers."""
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
