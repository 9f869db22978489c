"""Where queries come from: what each asks at first, and where."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sdetr.models.heads import Heads
from sdetr.models.layers import MLP, linear
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VariantRow
from sdetr.precision import exact, unrounded
from sdetr.types import Ask, FirstStage, Memory


@dataclass(frozen=True)
class Queries:
    """The queries of a batch, before the first decoder layer."""

    content: Tensor  # (B, Q, D)
    position: Tensor | None  # (B, Q, D); none where every layer makes it from the reference
    reference: Tensor | None  # (B, Q, 2 | 4) in 0..1
    blocked: Tensor | None  # (Q, Q)
    first_stage: FirstStage | None = None


class LearnedQueries(nn.Module):
    """A learned position for every query, a learned content in pairs; a point may be made of the position."""

    def __init__(self, settings: ModelSettings, row: VariantRow) -> None:
        super().__init__()
        size = settings.queries, settings.width
        self.position = nn.Parameter(torch.randn(size))
        self.content = nn.Parameter(torch.randn(size)) if row.queries == "pair" else None
        self.reference: nn.Module | None = None
        if row.reference is not None:
            width = settings.width
            pair = row.queries == "pair"
            self.reference = linear(width, 2, zero_bias=True) if pair else MLP(width, width, 2, make=linear)

    def forward(self, ask: Ask, memory: Memory, class_heads: Heads, box_heads: Heads) -> Queries:
        """What is asked for is added, the position before anything is made from it."""
        position = added(self.position, "position", ask.position, memory)
        learned = torch.zeros_like(self.position) if self.content is None else self.content
        content = added(learned, "content", ask.content, memory)
        return Queries(content, position, self._reference(ask, position), ask.blocked)

    def _reference(self, ask: Ask, position: Tensor) -> Tensor | None:
        if self.reference is None:
            if ask.reference is not None:
                raise ValueError("a reference was asked for, but the queries of this variant have none")
            return None
        if ask.reference is not None:
            return fitting(ask.reference, position, (2, 4))
        with unrounded(position):
            point: Tensor = self.reference(exact(position)).sigmoid()  # (B, Q, 2)
        return point


def fitting(reference: Tensor, like: Tensor, widths: tuple[int, ...]) -> Tensor:
    """A reference that was asked for; `like` is (B, Q, ·). Raises ValueError for another shape."""
    if reference.shape[:2] != like.shape[:2] or reference.shape[-1] not in widths:
        expected = f"{tuple(like.shape[:2])} and {' or '.join(map(str, widths))} numbers"
        raise ValueError(f"Ask.reference has shape {tuple(reference.shape)}; expected (B, Q) = {expected}")
    return reference


def added(learned: Tensor, slot: str, asked: Tensor | None, memory: Memory) -> Tensor:
    """(Q, D), and what is asked for if anything: (B, Q, D). Raises ValueError for another shape."""
    own = learned.expand(len(memory.tokens), -1, -1)
    if asked is None:
        return own
    if asked.shape != own.shape:
        found, expected = tuple(asked.shape), tuple(own.shape)
        raise ValueError(f"Ask.{slot} has shape {found}; expected (B, Q, D) = {expected}")
    return own + asked
