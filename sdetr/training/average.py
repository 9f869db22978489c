"""A moving average of the weights, for those who evaluate it instead of the weights."""

import copy

import torch

from sdetr.objectives.objective import Objective


class Average:
    """`decay` of what was, the rest of what is; what is no float (counters) is copied."""

    def __init__(self, trained: Objective, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(trained).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, trained: Objective) -> None:
        for mean, now in zip(self.module.state_dict().values(), trained.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - self.decay)
            else:
                mean.copy_(now)
