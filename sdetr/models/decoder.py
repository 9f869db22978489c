"""The one decoder loop of all variants; a row of `variants.py` says what happens in it."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from sdetr.models.attention import (
    AddCrossAttention,
    AddSelfAttention,
    ConditionalCrossAttention,
    Place,
    SplitSelfAttention,
)
from sdetr.models.deformable import DeformableCrossAttention, on_levels
from sdetr.models.heads import Heads, place_boxes
from sdetr.models.layers import MLP, FeedForward, Residual, linear, start_alike
from sdetr.models.position import sine
from sdetr.models.queries import Queries
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VARIANTS, VariantRow
from sdetr.precision import exact, unrounded
from sdetr.types import Memory

SMALLEST = 1e-5
"""Side that a box counts as having when something is divided by it."""


@dataclass(frozen=True)
class States:
    """What comes out of every layer."""

    hidden: list[Tensor] = field(default_factory=list)  # L × (B, Q, D), as heads read them
    references: list[Tensor] = field(default_factory=list)  # L × (B, Q, 2 | 4); none in a variant without


class DecoderLayer(nn.Module):
    def __init__(self, settings: ModelSettings, row: VariantRow, first: bool) -> None:
        super().__init__()
        width, dropout, prenorm = settings.width, settings.dropout, settings.prenorm
        self.self_attention = _self_attention(settings, row)
        self.beside_self = Residual(width, dropout, prenorm)
        self.cross_attention = _cross_attention(settings, row, first)
        self.beside_cross = Residual(width, dropout, prenorm)
        self.feed_forward = FeedForward(width, settings.ffn, dropout, row.activation)
        self.beside_feed = Residual(width, dropout, prenorm)

    def forward(self, x: Tensor, place: Place, memory: Memory, visible: Tensor | None) -> Tensor:
        """(B, Q, D) → (B, Q, D)."""
        x = self.beside_self(x, lambda x: self.self_attention(x, place.position, visible))
        x = self.beside_cross(x, lambda x: self.cross_attention(x, place, memory))
        out: Tensor = self.beside_feed(x, self.feed_forward)
        return out


class Decoder(nn.Module):
    """Layer after layer, queries look at one another and at the memory."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.row = row = VARIANTS[settings.variant]
        self.width, self.temperature = settings.width, settings.reference_temperature
        self.turns = settings.turns
        layers = [DecoderLayer(settings, row, first=i == 0) for i in range(settings.decoder_layers)]
        self.layers = start_alike(nn.ModuleList(layers))
        self.norm = nn.LayerNorm(settings.width) if row.decoder_norm else nn.Identity()
        width, anchors = settings.width, row.queries == "anchors"
        self.query_scale = MLP(width, width, width, make=linear) if row.query_scale else None
        self.position = MLP(2 * width, width, width, make=linear) if anchors else None
        self.size = MLP(width, width, 2, make=linear) if row.size_modulation else None

    def forward(self, queries: Queries, memory: Memory, box_heads: Heads) -> States:
        """With references that move, the next layer's carry no gradient; a live one's box does."""
        visible = None if queries.blocked is None else ~queries.blocked
        x, reference = queries.content, queries.reference
        states, origin = States(), reference  # origin: what this layer's box is an offset from
        for i, layer in enumerate(self.layers):
            x = layer(x, self._place(i, x, queries.position, reference, memory), memory, visible)
            states.hidden.append(self.norm(x))  # for the heads alone: the next layer goes on from x
            if origin is not None:
                states.references.append(origin)
            if self.row.refine and layer is not self.layers[-1]:
                origin = self._moved(x, reference, box_heads.of(i))
                reference = origin.detach()
        return states

    def _moved(self, x: Tensor, reference: Tensor | None, head: nn.Module) -> Tensor:
        """(B, Q, D) raw states, (B, Q, 2 | 4) → (B, Q, 4)."""
        live = torch.is_grad_enabled() and self.row.live_reference
        with torch.set_grad_enabled(live), unrounded(x):
            return place_boxes(head(exact(x)), reference)

    def _place(
        self, layer: int, x: Tensor, position: Tensor | None, reference: Tensor | None, memory: Memory
    ) -> Place:
        scale = self.query_scale(x) if self.query_scale is not None and layer else 1.0
        if self.position is not None:
            assert reference is not None
            box = on_levels(reference, memory.valid)[:, :, 0] if self.row.deformable else reference
            position = self.position(self._sine(box))
            position = position * scale if self.row.deformable else position
        assert position is not None
        if self.row.cross_attention != "conditional":
            return Place(position, reference)
        assert reference is not None
        embedded = self._sine(reference[..., :2]) * scale  # (B, Q, D), y before x
        if self.size is not None:
            narrow = self.size(x).sigmoid() / reference[..., 2:].clamp(min=SMALLEST)  # (B, Q, 2): w, h
            embedded = embedded * narrow.flip(-1).repeat_interleave(self.width // 2, dim=-1)
        return Place(position, reference, embedded)

    def _sine(self, places: Tensor) -> Tensor:
        """(B, Q, n) → (B, Q, n · D / 2)."""
        return sine(places, self.width // 2, self.temperature, self.turns)


def _self_attention(settings: ModelSettings, row: VariantRow) -> nn.Module:
    kind = {"add": AddSelfAttention, "split": SplitSelfAttention}[row.self_attention]
    return kind(settings.width, settings.heads, settings.dropout)


def _cross_attention(settings: ModelSettings, row: VariantRow, first: bool) -> nn.Module:
    sizes = settings.width, settings.heads, settings.dropout
    match row.cross_attention:
        case "conditional":
            return ConditionalCrossAttention(*sizes, first=first)
        case "deformable":
            return DeformableCrossAttention(settings)
        case "add":
            return AddCrossAttention(*sizes)
