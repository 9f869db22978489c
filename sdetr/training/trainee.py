"""What changes while one trains, and therefore what a saved state holds."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW

from sdetr.objectives.objective import Objective
from sdetr.training.average import Average
from sdetr.training.optimizer import make_optimizer
from sdetr.training.settings import ScheduleSettings


@dataclass
class Trainee:
    """An objective after `step` updates."""

    objective: Objective
    optimizer: AdamW
    average: Average | None
    step: int = 0
    window: list[Tensor] = field(default_factory=list)  # values of the steps since the last line of the curve

    @classmethod
    def begin(
        cls, objective: Objective, schedule: ScheduleSettings, saved: dict[str, Any] | None
    ) -> "Trainee":
        """As new, or as it was when `saved`. The objective is already where it is to train."""
        average = Average(objective, schedule.ema) if schedule.ema else None
        trainee = cls(objective, make_optimizer(objective, schedule), average)
        if saved:
            trainee._restore(saved)
        return trainee

    @property
    def shown(self) -> Objective:
        """What is evaluated and kept."""
        return self.average.module if self.average else self.objective

    def updated(self, values: dict[str, Tensor]) -> None:
        """Gradients are ready: take the step. `values` wait on the device until somebody wants their mean."""
        self.optimizer.step()
        if self.average:
            self.average.update(self.objective)
        self.step += 1
        self.window.append(torch.stack(list(values.values())))

    def window_means(self) -> list[float]:
        """Mean of each value over the steps since this was asked last."""
        means: list[float] = torch.stack(self.window).mean(dim=0).tolist()
        self.window = []
        return means

    def state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "objective": self.objective.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.module.state_dict() if self.average else None,
            "window": torch.stack(self.window) if self.window else None,
        }

    @property
    def state_bytes(self) -> int:
        """What `state` takes, as soon as AdamW has its two moments of all that learns."""
        moments: int = 2 * sum(p.nbytes for p in self.objective.parameters() if p.requires_grad)
        copies = 2 if self.average else 1
        values: int = sum(value.nbytes for value in self.objective.state_dict().values())
        return moments + copies * values

    def _restore(self, saved: dict[str, Any]) -> None:
        self.step = saved["step"]
        self.objective.load_state_dict(saved["objective"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.average:
            self.average.module.load_state_dict(saved["average"])
        if saved["window"] is not None:
            device = next(self.objective.parameters()).device
            self.window = list(saved["window"].to(device))
