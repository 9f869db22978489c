"""Sine embeddings of places: of the cells of a feature map, and of reference points (arXiv:2005.12872)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.precision import exact


def sine(places: Tensor, width: int, temperature: float, turns: float) -> Tensor:
    """(..., n) numbers in 0..1 → (..., n · width), at least float32: sines and cosines, ever slower.

    Points and boxes come as (x, y, w, h) and are embedded in the order y, x, w, h.
    """
    # no list as an index: it would be copied to the device, and waited for
    places = exact(torch.cat([places[..., :2].flip(-1), places[..., 2:]], dim=-1)[..., None])
    pairs = torch.arange(width // 2, device=places.device, dtype=places.dtype)
    angles = places * (2 * math.pi * turns) / temperature ** (2 * pairs / width)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-3)


def grid_places(padding: Tensor, offset: float) -> Tensor:
    """(B, h, w) → (B, h, w, 2): x, y of each cell in fractions of the unpadded image, 1 at the last one."""
    inside = (~padding).float()
    rows, columns = inside.cumsum(1), inside.cumsum(2)
    # 1e-6 keeps wholly padded rows and columns from 0 / 0, as in the paper's code
    y = (rows + offset) / (rows[:, -1:] + 1e-6)
    x = (columns + offset) / (columns[:, :, -1:] + 1e-6)
    return torch.stack([x, y], dim=-1)


def shrink(padding: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, H, W) → (B, h, w) by the nearest pixel; a rounded-up mask would differ by a cell at the border."""
    return F.interpolate(padding[:, None].float(), size=size)[:, 0].bool()


def valid_share(padding: Tensor) -> Tensor:
    """(B, h, w) → (B, 2): share of the columns (x) and of the rows (y) that are image."""
    inside = (~padding).float()
    return torch.stack([inside[:, 0].mean(-1), inside[:, :, 0].mean(-1)], dim=-1)


def cell_centres(padding: Tensor) -> Tensor:
    """(B, h, w) → (B, h, w, 2): x, y of each cell's centre in fractions of the unpadded image."""
    inside = (~padding).float()
    height, width = padding.shape[1:]
    y = (torch.arange(height, device=padding.device) + 0.5) / inside[:, :, 0].sum(-1, keepdim=True)  # (B, h)
    x = (torch.arange(width, device=padding.device) + 0.5) / inside[:, 0].sum(-1, keepdim=True)  # (B, w)
    return torch.stack([x[:, None].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], dim=-1)


class GridPosition(nn.Module):
    """The position embedding of a feature map; no parameters."""

    def __init__(self, width: int, temperature: float, offset: float, turns: float) -> None:
        super().__init__()
        self.width, self.temperature, self.offset, self.turns = width, temperature, offset, turns

    def forward(self, padding: Tensor) -> Tensor:
        """(B, h, w) → (B, h, w, D)."""
        return sine(grid_places(padding, self.offset), self.width // 2, self.temperature, self.turns)
