"""Attention whose queries and keys know where they are, in the two ways of DETR and Conditional DETR.

Masks are `visible`, True = may attend, broadcast to (B, heads, queries, keys).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.layers import FUSED, linear
from sdetr.types import Memory


@dataclass(frozen=True)
class Place:
    """Where the queries of one decoder layer are; a variant fills what it has."""

    position: Tensor  # (B, Q, D)
    reference: Tensor | None = None  # (B, Q, 2 | 4) in 0..1
    sine: Tensor | None = None  # (B, Q, D) embedding of the reference, as this layer scales it


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, Q, D) → (B, heads, Q, D / heads)."""
    batch, count, width = x.shape
    return x.view(batch, count, heads, width // heads).transpose(1, 2)


def attend(query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None, dropout: float) -> Tensor:
    """(B, heads, Q | M | M, ·) → (B, Q, D); scores are divided by √(width of a head's query)."""
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=visible, dropout_p=dropout)
    return mixed.transpose(1, 2).flatten(2)


def shares(query: Tensor, key: Tensor, visible: Tensor) -> Tensor:
    """(B, heads, Q | M, ·) → (B, heads, Q, M): how much of each value `attend` mixes in."""
    scores: Tensor = query @ key.mT / query.shape[-1] ** 0.5
    return scores.masked_fill(~visible, float("-inf")).softmax(dim=-1)


class AddAttention(nn.Module):
    """Position is added to content before the projection of queries and keys; values carry content only."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = linear(width, width, gain=FUSED, zero_bias=True)
        self.key = linear(width, width, gain=FUSED, zero_bias=True)
        self.value = linear(width, width, gain=FUSED, zero_bias=True)
        self.out = linear(width, width, zero_bias=True)

    def mix(self, query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None) -> Tensor:
        query, key, value = self.query(query), self.key(key), self.value(value)
        query, key, value = (split_heads(x, self.heads) for x in (query, key, value))
        out: Tensor = self.out(attend(query, key, value, visible, self.dropout if self.training else 0.0))
        return out


class AddEncoderAttention(AddAttention):
    """Every token of an image to every other."""

    def forward(self, x: Tensor, position: Tensor, memory: Memory) -> Tensor:
        """(B, M, D), (B, M, D) → (B, M, D)."""
        placed = x + position
        return self.mix(placed, placed, x, ~memory.padding[:, None, None])


class AddSelfAttention(AddAttention):
    """Queries among themselves."""

    def forward(self, x: Tensor, position: Tensor, visible: Tensor | None) -> Tensor:
        """(B, Q, D), (B, Q, D) → (B, Q, D)."""
        placed = x + position
        return self.mix(placed, placed, x, visible)


class AddCrossAttention(AddAttention):
    """Queries to memory."""

    def forward(self, x: Tensor, place: Place, memory: Memory) -> Tensor:
        """(B, Q, D) → (B, Q, D)."""
        keys = memory.tokens + memory.position
        return self.mix(x + place.position, keys, memory.tokens, ~memory.padding[:, None, None])

    def taken(self, x: Tensor, place: Place, memory: Memory) -> Tensor:
        """(B, heads, Q, M): how much of each token a query takes."""
        asked = self.query(x + place.position), self.key(memory.tokens + memory.position)
        query, key = (split_heads(part, self.heads) for part in asked)
        return shares(query, key, ~memory.padding[:, None, None])


class SplitSelfAttention(nn.Module):
    """Queries among themselves; content and position have projections of their own."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query_content = linear(width, width)
        self.query_position = linear(width, width)
        self.key_content = linear(width, width)
        self.key_position = linear(width, width)
        self.value = linear(width, width)
        self.out = linear(width, width, zero_bias=True)

    def forward(self, x: Tensor, position: Tensor, visible: Tensor | None) -> Tensor:
        """(B, Q, D), (B, Q, D) → (B, Q, D)."""
        query = self.query_content(x) + self.query_position(position)
        key = self.key_content(x) + self.key_position(position)
        query, key, value = (split_heads(t, self.heads) for t in (query, key, self.value(x)))
        out: Tensor = self.out(attend(query, key, value, visible, self.dropout if self.training else 0.0))
        return out


class ConditionalCrossAttention(nn.Module):
    """Queries to memory; each head compares content with content and sine with position (arXiv:2108.06152).

    Content alone says nothing about place at first, so the first layer's content also has the position added.
    """

    def __init__(self, width: int, heads: int, dropout: float, first: bool) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query_content = linear(width, width)
        self.query_position = linear(width, width) if first else None
        self.query_sine = linear(width, width)
        self.key_content = linear(width, width)
        self.key_position = linear(width, width)
        self.value = linear(width, width)
        self.out = linear(width, width, zero_bias=True)

    def forward(self, x: Tensor, place: Place, memory: Memory) -> Tensor:
        """(B, Q, D) → (B, Q, D)."""
        query, key = self._asked(x, place, memory)
        value = split_heads(self.value(memory.tokens), self.heads)
        visible = ~memory.padding[:, None, None]
        out: Tensor = self.out(attend(query, key, value, visible, self.dropout if self.training else 0.0))
        return out

    def taken(self, x: Tensor, place: Place, memory: Memory) -> Tensor:
        """(B, heads, Q, M): how much of each token a query takes."""
        return shares(*self._asked(x, place, memory), ~memory.padding[:, None, None])

    def _asked(self, x: Tensor, place: Place, memory: Memory) -> tuple[Tensor, Tensor]:
        """Queries (B, heads, Q, 2D / heads) and keys (B, heads, M, 2D / heads)."""
        query, key = self.query_content(x), self.key_content(memory.tokens)
        key_position = self.key_position(memory.position)
        if self.query_position is not None:
            query, key = query + self.query_position(place.position), key + key_position
        query = self._side_by_side(query, self.query_sine(place.sine))
        return query, self._side_by_side(key, key_position)

    def _side_by_side(self, content: Tensor, place: Tensor) -> Tensor:
        """Twice (B, Q, D) → (B, heads, Q, 2D / heads)."""
        return torch.cat([split_heads(content, self.heads), split_heads(place, self.heads)], dim=-1)
