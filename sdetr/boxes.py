"""Box arithmetic. The format is in the name of whatever holds boxes; plain `boxes` are cxcywh fractions."""

import torch
from torch import Tensor


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """(..., 4) centre and size → (..., 4) two corners, same unit."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def xyxy_to_cxcywh(boxes_xyxy: Tensor) -> Tensor:
    """(..., 4) two corners → (..., 4) centre and size, same unit."""
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def area(boxes_xyxy: Tensor) -> Tensor:
    """(..., 4) → (...); corners only, so that nobody multiplies the wrong pair of numbers."""
    size = boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]
    return size[..., 0] * size[..., 1]


def pairwise_iou(one_xyxy: Tensor, two_xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """(..., 4) and (..., 4), broadcast against each other → IoU and union, (...) each."""
    low = torch.maximum(one_xyxy[..., :2], two_xyxy[..., :2])
    high = torch.minimum(one_xyxy[..., 2:], two_xyxy[..., 2:])
    overlap = (high - low).clamp(min=0).prod(dim=-1)
    union = area(one_xyxy) + area(two_xyxy) - overlap
    return overlap / union.clamp(min=torch.finfo(union.dtype).tiny), union


def giou(one_xyxy: Tensor, two_xyxy: Tensor) -> Tensor:
    """Generalised IoU (arXiv:1902.09630) of broadcast boxes, (...) in -1..1; empty ones give 0, not NaN."""
    iou, union = pairwise_iou(one_xyxy, two_xyxy)
    low = torch.minimum(one_xyxy[..., :2], two_xyxy[..., :2])
    high = torch.maximum(one_xyxy[..., 2:], two_xyxy[..., 2:])
    hull = (high - low).prod(dim=-1)
    return iou - (hull - union) / hull.clamp(min=torch.finfo(hull.dtype).tiny)
