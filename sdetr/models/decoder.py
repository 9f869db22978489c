"""The one decoder loop of all variants; a row of `variants.py` says what happens in it."""

from torch import Tensor, nn

from sdetr.models.attention import (
    AddCrossAttention,
    AddSelfAttention,
    ConditionalCrossAttention,
    Place,
    SplitSelfAttention,
)
from sdetr.models.layers import MLP, FeedForward, Residual, linear, start_alike
from sdetr.models.position import sine
from sdetr.models.queries import Queries
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VARIANTS, VariantRow
from sdetr.types import Memory


class DecoderLayer(nn.Module):
    def __init__(self, settings: ModelSettings, row: VariantRow, first: bool) -> None:
        super().__init__()
        width, dropout, prenorm = settings.width, settings.dropout, settings.prenorm
        self.self_attention = _self_attention(settings, row)
        self.beside_self = Residual(width, dropout, prenorm)
        self.cross_attention = _cross_attention(settings, row, first)
        self.beside_cross = Residual(width, dropout, prenorm)
        self.feed_forward = FeedForward(width, settings.ffn, dropout)
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
        row = VARIANTS[settings.variant]
        self.width, self.temperature = settings.width, settings.reference_temperature
        self.turns = settings.turns
        layers = [DecoderLayer(settings, row, first=i == 0) for i in range(settings.decoder_layers)]
        self.layers = start_alike(nn.ModuleList(layers))
        self.norm = nn.LayerNorm(settings.width)
        self.query_scale = MLP(*[settings.width] * 3, make=linear) if row.query_scale else None

    def forward(self, queries: Queries, memory: Memory) -> tuple[list[Tensor], list[Tensor | None]]:
        """Per layer: the normalised state (B, Q, D), and the reference (B, Q, 2 | 4) its box starts from."""
        visible = None if queries.blocked is None else ~queries.blocked
        x, reference = queries.content, queries.reference
        hidden: list[Tensor] = []
        references: list[Tensor | None] = []
        for i, layer in enumerate(self.layers):
            x = layer(x, self._place(x, queries.position, reference, first=i == 0), memory, visible)
            hidden.append(self.norm(x))  # for the heads alone: the next layer goes on from x
            references.append(reference)
        return hidden, references

    def _place(self, x: Tensor, position: Tensor, reference: Tensor | None, first: bool) -> Place:
        if reference is None:
            return Place(position)
        embedded = sine(reference[..., :2], self.width // 2, self.temperature, self.turns)  # (B, Q, D)
        if self.query_scale is not None and not first:
            embedded = embedded * self.query_scale(x)
        return Place(position, reference, embedded)


def _self_attention(settings: ModelSettings, row: VariantRow) -> nn.Module:
    kind = {"add": AddSelfAttention, "split": SplitSelfAttention}[row.self_attention]
    return kind(settings.width, settings.heads, settings.dropout)


def _cross_attention(settings: ModelSettings, row: VariantRow, first: bool) -> nn.Module:
    sizes = settings.width, settings.heads, settings.dropout
    if row.cross_attention == "conditional":
        return ConditionalCrossAttention(*sizes, first=first)
    return AddCrossAttention(*sizes)
