"""A line now and then for whoever watches."""

import logging
import time

import torch
from torch import Tensor

from sdetr.training.device import describe
from sdetr.training.timeline import Timeline
from sdetr.training.trainee import Trainee

log = logging.getLogger(__name__)

EVERY_S = 5.0


class Progress:
    """Rates and the estimate count evaluations in: they are part of what one waits for."""

    def __init__(self, trainee: Trainee, timeline: Timeline, device: torch.device) -> None:
        """Says what is trained, on what, and how long."""
        self._first, self._total, self._batch = trainee.step, timeline.total, timeline.schedule.batch
        self._started = self._told = time.monotonic()
        learning = sum(p.numel() for p in trainee.objective.parameters() if p.requires_grad)
        log.info(
            "training %s, %s learning parameters, steps %d to %d of %d images each, on %s",
            type(trainee.objective).__name__,
            f"{learning:,}",
            self._first,
            self._total,
            self._batch,
            describe(device),
        )

    def tell(self, step: int, loss: Tensor) -> None:
        """`step` steps are done. Only if nothing was said for a while, the device is asked for the loss."""
        now = time.monotonic()
        if now - self._told < EVERY_S and step < self._total:
            return
        self._told = now
        rate = (step - self._first) / max(now - self._started, 1e-9)
        log.info(
            "step %d/%d, loss %.3f, %.2f steps/s, %.0f images/s, %s left",
            step,
            self._total,
            loss.item(),
            rate,
            rate * self._batch,
            _readable((self._total - step) / rate),
        )


def _readable(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
