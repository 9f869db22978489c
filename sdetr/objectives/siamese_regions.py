"""What a frozen backbone says about regions where they stand in a view."""

import torch
from torch import Tensor
from torchvision.ops import roi_align

from sdetr.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from sdetr.models.position import shrink
from sdetr.precision import exact

CELLS = 7
"""Rows and columns that a region is divided into before it is averaged."""


def jittered(boxes: Tensor, most: float) -> Tensor:
    """(..., 4) → (..., 4): corners moved by at most that share of a box's sides, inside the view."""
    shares = most * (2 * torch.randn_like(boxes).sigmoid() - 1)  # bell-shaped
    sides = torch.cat([boxes[..., 2:]] * 2, dim=-1)
    return xyxy_to_cxcywh((cxcywh_to_xyxy(boxes) + shares * sides).clamp(0, 1))


@torch.no_grad()
def region_features(maps: list[Tensor], boxes: Tensor, padding: Tensor, strides: list[int]) -> Tensor:
    """Averages of RoIAlign (arXiv:1703.06870), without its half-pixel shift and blind to padding.

    Maps (B, C, h, w) of so many pixels a cell, boxes (B, N, 4), padding (B, H, W) → (B, N, ΣC).
    """
    size_px = torch.stack([(~padding[:, 0]).sum(-1), (~padding[:, :, 0]).sum(-1)], dim=-1)  # (B, 2) W, H
    boxes_xyxy_px = cxcywh_to_xyxy(exact(boxes)) * size_px.repeat(1, 2)[:, None]
    features = []
    for cells, stride in zip(maps, strides, strict=True):
        endless = _extended(exact(cells), shrink(padding, (cells.shape[-2], cells.shape[-1])))
        pooled = roi_align(endless, list(boxes_xyxy_px), CELLS, spatial_scale=1 / stride, aligned=False)
        features.append(pooled.mean(dim=(2, 3)).view(*boxes.shape[:2], -1))
    return torch.cat(features, dim=-1)


def _extended(last: Tensor, padding: Tensor) -> Tensor:
    """(B, C, h, w) → (B, C, h + 1, w + 1): the image's border cells again wherever there is no image.

    RoIAlign reads up to one cell beyond a box, and there every image has to look as if it stood alone.
    """
    height, width = last.shape[-2:]
    inside = ~padding  # (B, h, w)
    rows = torch.arange(height + 1, device=last.device).minimum(inside[:, :, 0].sum(1, keepdim=True) - 1)
    columns = torch.arange(width + 1, device=last.device).minimum(inside[:, 0].sum(1, keepdim=True) - 1)
    cells = (rows[:, :, None] * width + columns[:, None]).flatten(1)  # (B, (h + 1) · (w + 1))
    chosen = last.flatten(2).gather(2, cells[:, None].expand(-1, last.shape[1], -1))
    return chosen.view(*last.shape[:2], height + 1, width + 1)
