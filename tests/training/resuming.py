"""A toy's runs, whole or broken off and begun again: both have to end the same."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdetr.objectives.objective import Objective
from sdetr.training.attempt import Attempt
from sdetr.training.loop import train
from sdetr.training.settings import ScheduleSettings
from sdetr.training.timeline import Timeline
from sdetr.types import View

Batches = Callable[[int], Iterator[View]]
Begin = Callable[..., Attempt]
Ended = tuple[dict[str, Tensor], Attempt]


class Killed(Exception):  # noqa: N818  # stands for a signal
    """The process is gone."""


def killed_in(objective: Objective, forwards: int) -> Objective:
    """The same objective, dying in one of its forward passes, be it in the middle of a batch."""
    count = 0
    forward = objective.forward

    def counting(views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        nonlocal count
        count += 1
        if count == forwards:
            raise Killed
        return forward(views, normaliser)

    objective.forward = counting  # type: ignore[method-assign]
    return objective


def evaluated(objective: Objective, _step: int) -> dict[str, float]:
    assert not objective.training
    torch.rand(7)  # whatever an evaluation draws must not change what is trained
    return {"AP": float(sum(value.sum() for value in objective.state_dict().values()))}


def curve(attempt: Attempt) -> list[dict[str, Any]]:
    """Everything but the times and what the machine did."""
    lines = [json.loads(line) for line in (attempt.folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if not k.startswith(("time", "system/"))} for line in lines]


@dataclass(frozen=True)
class Runs:
    """Of the same settings, each in a folder of its own below `root`."""

    root: Path
    made: Callable[[], Objective]
    batches: Batches
    attempt_in: Begin
    settings: ScheduleSettings
    evaluate_every: int | None = None

    @property
    def timeline(self) -> Timeline:
        return Timeline.of(self.settings, 1, self.evaluate_every)

    def begin(self, folder: str) -> tuple[Objective, Attempt]:
        """Or begin again: the weights as they are drawn, and what the folder knows."""
        torch.manual_seed(0)
        return self.made(), self.attempt_in(self.root / folder, self.settings)

    def train(self, objective: Objective, attempt: Attempt) -> Ended:
        trained = train(objective, self.batches, self.timeline, attempt, evaluated)
        return trained.state_dict(), attempt

    def whole(self, folder: str = "whole") -> Ended:
        """From where the folder is to the end."""
        return self.train(*self.begin(folder))


def assert_same_end(one: Ended, two: Ended) -> None:
    """Bit by bit, and line by line."""
    assert one[0].keys() == two[0].keys()
    assert all(torch.equal(value, two[0][name]) for name, value in one[0].items())
    assert curve(one[1]) == curve(two[1])
