"""Levels as one sequence of tokens that know where they are."""

import torch
from torch import Tensor, nn

from sdetr.models.position import GridPosition, cell_centres, shrink, valid_share
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VARIANTS
from sdetr.precision import exact
from sdetr.types import Memory


class Tokens(nn.Module):
    """Flattens levels one after the other; where there can be several, each has a learned embedding."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        row = VARIANTS[settings.variant]
        self.grid = GridPosition(settings.width, settings.temperature, row.grid_offset, settings.turns)
        self.level = nn.Parameter(torch.randn(row.levels, settings.width)) if row.deformable else None

    def forward(self, levels: list[Tensor], padding: Tensor, maps: list[Tensor]) -> Memory:
        """Levels (B, D, h, w) each, padding (B, H, W) of the images → memory that nobody has encoded yet."""
        shapes = [(level.shape[-2], level.shape[-1]) for level in levels]
        masks = [shrink(padding, shape) for shape in shapes]  # (B, h, w) each
        tokens = torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1)
        places = [self.grid(mask).flatten(1, 2) for mask in masks]  # (B, h · w, D) each
        if self.level is not None:
            places = [place + own for place, own in zip(places, self.level, strict=True)]
        return Memory(
            tokens=tokens,
            position=torch.cat(places, dim=1).to(exact(tokens).dtype),
            padding=torch.cat([mask.flatten(1) for mask in masks], dim=1),
            shapes=shapes,
            valid=torch.stack([valid_share(mask) for mask in masks], dim=1).to(exact(tokens).dtype),
            centres=torch.cat([cell_centres(mask).flatten(1, 2) for mask in masks], dim=1),
            maps=maps,
        )
