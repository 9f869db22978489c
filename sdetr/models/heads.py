"""From a query's state to class logits and a box, with the first bets that the papers make."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.layers import MLP
from sdetr.models.variants import VariantRow
from sdetr.precision import exact

PRIOR = 0.01
"""Probability that a focal detector gives to every class before training (arXiv:1708.02002 §4.1)."""


def class_head(width: int, classes: int, row: VariantRow) -> nn.Linear:
    """(..., D) → (..., C), no object being the last of C = classes + 1 in softmax families."""
    if not row.focal:
        return nn.Linear(width, classes + 1)
    head = nn.Linear(width, classes)
    nn.init.constant_(head.bias, -math.log((1 - PRIOR) / PRIOR))
    return head


def box_head(width: int, row: VariantRow) -> MLP:
    """(..., D) → (..., 4), logits of cxcywh; with references it starts as "exactly there"."""
    head = MLP(width, width, width, 4)
    if row.reference:
        last = head.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    return head


def place_boxes(offsets: Tensor, reference: Tensor | None) -> Tensor:
    """(..., 4) logits, (..., 2 | 4) in 0..1 → (..., 4) cxcywh fractions, at least float32."""
    offsets = exact(offsets)
    if reference is not None:
        start = inverse_sigmoid(exact(reference))
        offsets = offsets + F.pad(start, (0, 4 - start.shape[-1]))
    return offsets.sigmoid()


def inverse_sigmoid(x: Tensor) -> Tensor:
    """(...) in 0..1 → (...) logits, finite: both x and 1 - x count as at least 1e-5."""
    x = x.clamp(0, 1)
    return torch.log(x.clamp(min=1e-5) / (1 - x).clamp(min=1e-5))
