"""Box arithmetic. The format is in the name of whatever holds boxes; plain `boxes` are cxcywh fractions."""

import torch
from torch import Tensor


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """(..., 4) centre and size → (..., 4) two corners, same unit."""
    centre, size = boxes.chunk(2, dim=-1)
    return torch.cat([centre.sub(size, alpha=0.5), centre.add(size, alpha=0.5)], dim=-1)


def xyxy_to_cxcywh(boxes_xyxy: Tensor) -> Tensor:
    """(..., 4) two corners → (..., 4) centre and size, same unit."""
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def pairwise_iou(one_xyxy: Tensor, two_xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """(..., 4) and (..., 4), broadcast against each other → IoU and union, (...) each."""
    return _iou(*one_xyxy.chunk(2, dim=-1), *two_xyxy.chunk(2, dim=-1))


def giou(one_xyxy: Tensor, two_xyxy: Tensor) -> Tensor:
    """Generalised IoU (arXiv:1902.09630) of broadcast boxes, (...) in -1..1; empty ones give 0, not NaN."""
    (one_low, one_high), (two_low, two_high) = one_xyxy.chunk(2, dim=-1), two_xyxy.chunk(2, dim=-1)
    iou, union = _iou(one_low, one_high, two_low, two_high)
    hull = _product(torch.maximum(one_high, two_high) - torch.minimum(one_low, two_low))
    return iou - (hull - union) / hull.clamp(min=torch.finfo(hull.dtype).tiny)


def _iou(one_low: Tensor, one_high: Tensor, two_low: Tensor, two_high: Tensor) -> tuple[Tensor, Tensor]:
    inside = torch.minimum(one_high, two_high) - torch.maximum(one_low, two_low)
    overlap = _product(inside.clamp(min=0))
    union = _product(one_high - one_low) + _product(two_high - two_low) - overlap
    return overlap / union.clamp(min=torch.finfo(union.dtype).tiny), union


def _product(sides: Tensor) -> Tensor:
    """(..., 2) → (...); the gradient of `prod` would take six times as many operations."""
    width, height = sides.unbind(-1)
    return width * height
