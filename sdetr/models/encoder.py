"""The encoder: tokens of an image attend to one another."""

from torch import Tensor, nn

from sdetr.models.attention import AddEncoderAttention
from sdetr.models.deformable import DeformableEncoderAttention
from sdetr.models.layers import MLP, FeedForward, Residual, linear, start_alike
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VARIANTS, VariantRow
from sdetr.types import Memory


class EncoderLayer(nn.Module):
    def __init__(self, settings: ModelSettings, row: VariantRow) -> None:
        super().__init__()
        width, dropout, prenorm = settings.width, settings.dropout, settings.prenorm
        self.self_attention = _attention(settings, row)
        self.beside_self = Residual(width, dropout, prenorm)
        self.feed_forward = FeedForward(width, settings.ffn, dropout, row.activation)
        self.beside_feed = Residual(width, dropout, prenorm)

    def forward(self, x: Tensor, position: Tensor, memory: Memory) -> Tensor:
        """(B, M, D) → (B, M, D)."""
        x = self.beside_self(x, lambda x: self.self_attention(x, position, memory))
        out: Tensor = self.beside_feed(x, self.feed_forward)
        return out


class Encoder(nn.Module):
    """A stack of layers; with `prenorm` one more norm after it, because nothing else normalises the sum."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        row = VARIANTS[settings.variant]
        layers = nn.ModuleList(EncoderLayer(settings, row) for _ in range(settings.encoder_layers))
        self.layers = start_alike(layers)
        self.scale = MLP(*[settings.width] * 3, make=linear) if row.encoder_scale else None
        self.norm = nn.LayerNorm(settings.width) if settings.prenorm else nn.Identity()

    def forward(self, memory: Memory) -> Tensor:
        """Tokens as the neck made them, (B, M, D) → (B, M, D)."""
        x = memory.tokens
        for layer in self.layers:
            position = memory.position if self.scale is None else memory.position * self.scale(x)
            x = layer(x, position, memory)
        out: Tensor = self.norm(x)
        return out


def _attention(settings: ModelSettings, row: VariantRow) -> nn.Module:
    if row.encoder_attention == "deformable":
        return DeformableEncoderAttention(settings)
    return AddEncoderAttention(settings.width, settings.heads, settings.dropout)
