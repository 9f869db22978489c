"""Deformable attention (arXiv:2010.04159 §4.1) in plain PyTorch: a few samples per query, head and level."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from sdetr.models.attention import Place
from sdetr.models.layers import linear
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VARIANTS
from sdetr.precision import exact, unrounded
from sdetr.types import Memory


class DeformableAttention(nn.Module):
    """Every query says, per head and level, where near its reference to look and what that is worth."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width, self.heads, self.points = settings.width, settings.heads, settings.points
        self.levels, self.recompute = VARIANTS[settings.variant].levels, settings.recompute_samples
        samples = self.heads * self.levels * self.points
        self.offsets = nn.Linear(width, 2 * samples)
        self.weights = nn.Linear(width, samples)
        self.value = linear(width, width, zero_bias=True)
        self.out = linear(width, width, zero_bias=True)
        for layer in (self.offsets, self.weights):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.offsets.bias.data.copy_(_star(self.heads, self.levels, self.points))

    def mix(self, query: Tensor, reference: Tensor, tokens: Tensor, memory: Memory) -> Tensor:
        """(B, Q, D), (B, Q, L, 2 | 4) in fractions of every padded level, (B, M, D) → (B, Q, D)."""
        batch = len(query)
        value = self.value(tokens).masked_fill(memory.padding[..., None], 0)  # bias and all
        value = value.view(batch, -1, self.heads, value.shape[-1] // self.heads)
        with unrounded(query):
            places, weights = self._samples(query, reference, memory)
            parts = exact(value), places, weights
            if self.recompute and torch.is_grad_enabled():
                mixed = checkpoint(
                    sample, *parts, memory.shapes, use_reentrant=False, preserve_rng_state=False
                )
            else:
                mixed = sample(*parts, memory.shapes)
        out: Tensor = self.out(mixed)
        return out

    def _samples(self, query: Tensor, reference: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Where every query looks, (B, Q, heads, L, P, 2), and what that is worth, (B, Q, heads, L, P)."""
        split = (*query.shape[:2], self.heads, self.levels, self.points)
        offsets = self.offsets(exact(query)).view(*split, 2)
        places = _places(offsets, exact(reference)[:, :, None, :, None], memory.shapes)
        return places, self.weights(exact(query)).view(*split[:3], -1).softmax(-1).view(split)


class DeformableEncoderAttention(DeformableAttention):
    """Tokens look around themselves, on every level."""

    def forward(self, x: Tensor, position: Tensor, memory: Memory) -> Tensor:
        """(B, M, D), (B, M, D) → (B, M, D)."""
        centres = memory.centres[:, :, None] * memory.valid[:, None]  # (B, M, L, 2)
        return self.mix(x + position, centres, x, memory)


class DeformableCrossAttention(DeformableAttention):
    """Queries look around their references."""

    def forward(self, x: Tensor, place: Place, memory: Memory) -> Tensor:
        """(B, Q, D) → (B, Q, D)."""
        assert place.reference is not None
        reference = on_levels(place.reference, memory.valid)
        return self.mix(x + place.position, reference, memory.tokens, memory)

    def taken(self, x: Tensor, place: Place, memory: Memory) -> Tensor:
        """(B, heads, Q, M): how much of each token a query takes; what a sample is of its cells' values."""
        assert place.reference is not None
        reference = on_levels(place.reference, memory.valid)
        places, worth = self._samples(x + place.position, reference, memory)
        batch, count = x.shape[:2]
        shares = []
        with torch.enable_grad():
            ones = places.new_ones(batch, memory.tokens.shape[1], self.heads, 1, requires_grad=True)
            mixed = sample(ones, places, worth, memory.shapes).view(batch, count, self.heads)
            for query in range(count):
                (share,) = torch.autograd.grad(mixed[:, query].sum(), ones, retain_graph=True)
                shares.append(share[..., 0].mT)  # (B, heads, M)
        return torch.stack(shares, dim=2).masked_fill(memory.padding[:, None, None], 0)


def on_levels(reference: Tensor, valid: Tensor) -> Tensor:
    """(B, Q, 2 | 4) in fractions of the image, (B, L, 2) → (B, Q, L, 2 | 4) of every padded level."""
    return reference[:, :, None] * valid.repeat(1, 1, reference.shape[-1] // 2)[:, None]


def sample(value: Tensor, places: Tensor, weights: Tensor, shapes: list[tuple[int, int]]) -> Tensor:
    """Weighted sum of bilinear samples, zero outside a level.

    (B, M, heads, d), (B, Q, heads, L, P, 2) with 0 and 1 at a level's edges, (B, Q, heads, L, P) → (B, Q, D).
    """
    batch, _, heads, _ = value.shape
    total = value.new_zeros(())
    for level, (part, shape) in enumerate(
        zip(torch.split(value, [h * w for h, w in shapes], dim=1), shapes, strict=True)
    ):
        cells = part.permute(0, 2, 3, 1).reshape(batch * heads, -1, *shape)  # (B · heads, d, h, w)
        grid = 2 * places[:, :, :, level].transpose(1, 2).flatten(0, 1) - 1  # (B · heads, Q, P, 2)
        seen = F.grid_sample(cells, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        worth = weights[:, :, :, level].transpose(1, 2).flatten(0, 1)[:, None]  # (B · heads, 1, Q, P)
        total = total + (seen * worth).sum(-1)
    return total.view(batch, -1, total.shape[-1]).transpose(1, 2)


def _places(offsets: Tensor, reference: Tensor, shapes: list[tuple[int, int]]) -> Tensor:
    """(B, Q, heads, L, P, 2), (B, Q, 1, L, 1, 2 | 4) → (B, Q, heads, L, P, 2).

    Offsets count cells around a point, and half sides of a box when all P steps go one way.
    """
    if reference.shape[-1] == 4:
        return reference[..., :2] + offsets / offsets.shape[-2] * reference[..., 2:] * 0.5
    # by numbers, level by level: a tensor of sizes would be one more copy to the device
    by_size = [
        torch.stack([at[..., 0] / w, at[..., 1] / h], -1)
        for at, (h, w) in zip(offsets.unbind(3), shapes, strict=True)
    ]
    return reference + torch.stack(by_size, dim=3)


def _star(heads: int, levels: int, points: int) -> Tensor:
    """(heads · L · P · 2,): every head looks its own way at first, one cell further with every point."""
    angles = torch.arange(heads) * (2 * math.pi / heads)
    ways = torch.stack([angles.cos(), angles.sin()], dim=-1)
    ways = ways / ways.abs().amax(-1, keepdim=True)  # (heads, 2)
    steps = torch.arange(1, points + 1)[:, None]
    return (ways[:, None, None] * steps).expand(heads, levels, points, 2).flatten()
