"""The encoder: every token of the image attends to every other."""

from torch import Tensor, nn

from sdetr.models.attention import AddSelfAttention
from sdetr.models.layers import FeedForward, Residual, start_alike
from sdetr.models.settings import ModelSettings


class EncoderLayer(nn.Module):
    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width, dropout, prenorm = settings.width, settings.dropout, settings.prenorm
        self.self_attention = AddSelfAttention(width, settings.heads, dropout)
        self.beside_self = Residual(width, dropout, prenorm)
        self.feed_forward = FeedForward(width, settings.ffn, dropout)
        self.beside_feed = Residual(width, dropout, prenorm)

    def forward(self, x: Tensor, position: Tensor, visible: Tensor) -> Tensor:
        """(B, M, D) → (B, M, D)."""
        x = self.beside_self(x, lambda x: self.self_attention(x, position, visible))
        out: Tensor = self.beside_feed(x, self.feed_forward)
        return out


class Encoder(nn.Module):
    """A stack of layers; with `prenorm` one more norm after it, because nothing else normalises the sum."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        layers = nn.ModuleList(EncoderLayer(settings) for _ in range(settings.encoder_layers))
        self.layers = start_alike(layers)
        self.norm = nn.LayerNorm(settings.width) if settings.prenorm else nn.Identity()

    def forward(self, tokens: Tensor, position: Tensor, padding: Tensor) -> Tensor:
        """(B, M, D), (B, M, D), (B, M) → (B, M, D)."""
        visible = ~padding[:, None, None]  # (B, 1, 1, M)
        for layer in self.layers:
            tokens = layer(tokens, position, visible)
        out: Tensor = self.norm(tokens)
        return out
