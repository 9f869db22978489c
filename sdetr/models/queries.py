"""Where queries come from: what each asks at first, and where."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sdetr.models.layers import MLP, linear
from sdetr.precision import exact
from sdetr.types import Ask


@dataclass(frozen=True)
class Queries:
    """The queries of a batch, before the first decoder layer."""

    content: Tensor  # (B, Q, D)
    position: Tensor  # (B, Q, D)
    reference: Tensor | None  # (B, Q, 2 | 4) in 0..1
    blocked: Tensor | None  # (Q, Q)


class LearnedQueries(nn.Module):
    """A learned position for every query and no content; with `reference`, a point made from the position."""

    def __init__(self, queries: int, width: int, reference: bool) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(queries, width))
        self.reference = MLP(width, width, 2, make=linear) if reference else None

    def forward(self, ask: Ask, batch: int) -> Queries:
        """What is asked for enters first, so that an asked position moves the reference as well."""
        position = self.position.expand(batch, -1, -1)  # (B, Q, D)
        if ask.position is not None:
            position = position + self._checked("position", ask.position, position)
        content = torch.zeros_like(position)
        if ask.content is not None:
            content = self._checked("content", ask.content, position)
        return Queries(content, position, self._reference(ask, position), ask.blocked)

    def _reference(self, ask: Ask, position: Tensor) -> Tensor | None:
        if self.reference is None:
            if ask.reference is not None:
                raise ValueError("a reference was asked for, but the queries of this variant have none")
            return None
        if ask.reference is not None:
            return ask.reference
        with torch.autocast(position.device.type, enabled=False):  # 8 bits would round points to whole pixels
            point: Tensor = self.reference(exact(position)).sigmoid()  # (B, Q, 2)
        return point

    @staticmethod
    def _checked(slot: str, asked: Tensor, position: Tensor) -> Tensor:
        if asked.shape != position.shape:
            found, expected = tuple(asked.shape), tuple(position.shape)
            raise ValueError(f"Ask.{slot} has shape {found}; expected (B, Q, D) = {expected}")
        return asked
