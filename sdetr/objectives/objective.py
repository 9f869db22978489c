"""What the training loop knows of an objective."""

from abc import abstractmethod

from torch import Tensor, nn

from sdetr.types import View


class Objective(nn.Module):
    """Owns what is trained, heads to be thrown away included: views in, named and unweighted losses out."""

    weights: dict[str, float]
    """One for every loss that `forward` names."""

    @abstractmethod
    def normaliser(self, views: list[View]) -> dict[str, float]:
        """What these views add to the divisors of the losses: plain sums, known without the device."""

    @abstractmethod
    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        """`normaliser`: the sums over all micro-batches and ranks of one optimiser step."""
