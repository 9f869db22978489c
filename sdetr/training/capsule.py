"""All that a step needs to be taken again elsewhere, kept where a loss or gradient was not finite.

The weights are those before the step (running means of a backbone that learns, which no training step
reads, are those after it). Nothing of the optimiser is in it: it was not asked. `replay.py` takes the step.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from sdetr.files import written_whole
from sdetr.interop.pickles import read_pickle
from sdetr.models.backbone import ResNet
from sdetr.training.attempt import Attempt
from sdetr.training.device import describe
from sdetr.training.trainee import Trainee
from sdetr.training.update import Batch
from sdetr.types import View

FORMAT = "sdetr capsule 1"


@dataclass(frozen=True)
class Capsule:
    """A step, whose dropout and colours follow from `seed`, `step` and `rank`."""

    stage: str
    settings: dict[str, Any]  # of the run, as its stage reads them
    trunks: dict[str, dict[str, Any]]  # settings of every backbone in the objective, by its name there
    seed: int
    step: int
    rank: int
    world: int  # how many ranks shared the batch
    device: str  # in words
    found: str  # what was not finite
    batch: Batch  # this rank's part
    weights: dict[str, Tensor]

    @classmethod
    def of(cls, attempt: Attempt, trainee: Trainee, batch: Batch, found: str) -> Self:
        nets = {name: net for name, net in trainee.objective.named_modules() if isinstance(net, ResNet)}
        return cls(
            stage=attempt.stage,
            settings=attempt.settings.said(),
            trunks={name: net.trunk.said() for name, net in nets.items()},
            seed=attempt.seed,
            step=trainee.step,
            rank=attempt.ranks.rank,
            world=attempt.ranks.world,
            device=describe(attempt.device),
            found=found,
            batch=batch,
            weights=trainee.objective.state_dict(),
        )

    def save(self, path: Path) -> None:
        """Tensors, numbers, strings, and containers of them: reading it calls nothing."""
        words = {name: json.dumps(getattr(self, name)) for name in ("settings", "trunks")}
        plain = vars(self) | words | {"batch": [vars(view) for view in self.batch], "format": FORMAT}
        with written_whole(path) as temporary, temporary.open("wb") as file:
            torch.save(plain, file)

    @classmethod
    def load(cls, path: Path) -> Self:
        """On the CPU. Raises FileNotFoundError, or ValueError for anything but a capsule of this version."""
        held = read_pickle(path)
        if not isinstance(held, dict) or held.pop("format", None) != FORMAT:
            raise ValueError(f"{path} is no capsule of this version ({FORMAT}): a run that stops writes one")
        words = {name: json.loads(held[name]) for name in ("settings", "trunks")}
        return cls(**held | words | {"batch": [View(**view) for view in held["batch"]]})


@contextmanager
def kept_if_not_finite(attempt: Attempt, trainee: Trainee, batch: Batch) -> Iterator[None]:
    """Where the step inside is not finite, it is kept, and the error says how to look at it again."""
    try:
        yield
    except FloatingPointError as error:
        where = _kept(attempt, Capsule.of(attempt, trainee, batch, str(error)))
        raise FloatingPointError(f"{error}; {where}") from error


def _kept(attempt: Attempt, capsule: Capsule) -> str:
    path = attempt.folder / (f"capsule-{capsule.rank}.pt" if capsule.rank else "capsule.pt")
    try:
        capsule.save(path)
    except (OSError, RuntimeError) as error:  # a full disk must not hide what happened
        return f"no capsule of the step could be kept in {path} ({error})"
    return f"`sdetr replay {path}` takes this step again, on a CPU"
