"""What the training loop knows of an objective."""

from abc import abstractmethod

from torch import Tensor, nn

from sdetr.types import View


class Objective(nn.Module):
    """Owns what is trained, heads to be thrown away included: views in, named and unweighted losses out."""

    weights: dict[str, float]
    """One for every loss that `forward` names."""

    meters: dict[str, Tensor]
    """What else is worth a curve, () each, without gradient; `forward` fills it. Most have none."""

    def __init__(self) -> None:
        super().__init__()
        self.meters = {}

    @abstractmethod
    def normaliser(self, parts: list[list[View]]) -> dict[str, float]:
        """What these micro-batches, each a list of views, add to the divisors of the losses: plain sums."""

    @abstractmethod
    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        """`normaliser`: the sums over all micro-batches and ranks of one optimiser step."""
