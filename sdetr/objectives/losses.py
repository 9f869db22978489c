"""The losses of set prediction, for all decoder layers at once: (L,) sums, divided by nothing yet."""

import torch
from torch import Tensor
from torch.nn import functional as F

from sdetr.boxes import cxcywh_to_xyxy, giou
from sdetr.objectives.matcher import ALPHA, GAMMA, Pairs
from sdetr.objectives.targets import Targets
from sdetr.types import Predictions


def cross_entropy(logits: Tensor, pairs: Pairs, targets: Targets, no_object: float) -> Tensor:
    """(L, B, Q, C) logits, the last class no object, which weighs `no_object` → (L,)."""
    classes = logits.shape[-1]
    wanted = logits.new_full(logits.shape[:-1], classes - 1, dtype=torch.int64)  # (L, B, Q)
    wanted[pairs.layer, pairs.image, pairs.query] = targets.labels[pairs.image, pairs.target]
    weights = logits.new_ones(classes)
    weights[-1] = no_object
    each = F.cross_entropy(logits.flatten(0, 2), wanted.flatten(), weights, reduction="none")
    return each.view(wanted.shape).sum((1, 2))


def focal_loss(logits: Tensor, pairs: Pairs, targets: Targets) -> Tensor:
    """(L, B, Q, C) logits, a sigmoid per class, of all queries → (L,) (arXiv:1708.02002)."""
    labels = targets.labels[pairs.image, pairs.target]  # (L, P)
    return _focal(logits, (pairs.layer, pairs.image, pairs.query, labels)).sum((1, 2, 3))


def focal_loss_of_pairs(logits: Tensor, pairs: Pairs, targets: Targets) -> Tensor:
    """The same of those queries alone that answer for something, (L,)."""
    labels = targets.labels[pairs.image, pairs.target]  # (L, P)
    numbers = torch.arange(labels.shape[1], device=labels.device)
    return _focal(matched(logits, pairs), (pairs.layer, numbers, labels)).sum((1, 2))


def _focal(logits: Tensor, wanted: tuple[Tensor, ...]) -> Tensor:
    """(..., C) logits, of which those at `wanted` should be 1 and all others 0 → (..., C)."""
    sign = torch.ones_like(logits).index_put_(wanted, logits.new_full((), -1.0))
    against = sign * logits  # how loud each says what it should not
    share = 0.5 + (0.5 - ALPHA) * sign  # 1 - ALPHA, or ALPHA where wanted
    return share * against.sigmoid() ** GAMMA * F.softplus(against)


def box_losses(predictions: Predictions, pairs: Pairs, targets: Targets) -> tuple[Tensor, Tensor]:
    """L1 distance and 1 - GIoU of matched boxes, (L,) each."""
    said = matched(predictions.boxes, pairs)  # (L, P, 4)
    wanted = targets.boxes[pairs.image, pairs.target]
    apart = 1 - giou(cxcywh_to_xyxy(said), cxcywh_to_xyxy(wanted))
    return (said - wanted).abs().sum((1, 2)), apart.sum(1)


def matched(values: Tensor, pairs: Pairs) -> Tensor:
    """(L, B, Q, ·) → (L, P, ·): what the queries say that answer for something."""
    return values[pairs.layer, pairs.image, pairs.query]
