"""From a query's state to class logits and a box, with the first bets that the papers make."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.layers import MLP
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VariantRow
from sdetr.precision import exact

PRIOR = 0.01
"""Probability that a focal detector gives to every class before training (arXiv:1708.02002 §4.1)."""
SMALL = -2.0
"""Logit of width and height by which boxes of the deformable family start (arXiv:2010.04159, its code)."""


class Heads(nn.ModuleList):
    """One head that all decoder layers share, or equal ones, one for each and one more for a first stage."""

    def __init__(self, head: nn.Module, count: int) -> None:
        super().__init__(copy.deepcopy(head) for _ in range(count))

    def of(self, layer: int) -> nn.Module:
        """The head of a decoder layer."""
        return self[layer if len(self) > 1 else 0]

    def forward(self, hidden: Tensor) -> Tensor:
        """(L, B, Q, D) → (L, B, Q, ·)."""
        if len(self) == 1:
            shared: Tensor = self[0](hidden)
            return shared
        return torch.stack([head(x) for head, x in zip(list(self)[: len(hidden)], hidden, strict=True)])


def count_heads(settings: ModelSettings, row: VariantRow) -> int:
    if not row.heads_per_layer:
        return 1
    return settings.decoder_layers + (row.queries == "proposals")


def class_heads(settings: ModelSettings, classes: int, row: VariantRow) -> Heads:
    """(..., D) → (..., C), no object being the last of C = classes + 1 in softmax families."""
    head = nn.Linear(settings.width, classes + (not row.focal))
    if row.focal:
        nn.init.constant_(head.bias, -math.log((1 - PRIOR) / PRIOR))
    return Heads(head, count_heads(settings, row))


def box_heads(settings: ModelSettings, row: VariantRow) -> Heads:
    """(..., D) → (..., 4), logits of cxcywh; with references they start as "exactly there"."""
    head = MLP(*[settings.width] * 3, 4)
    last = head.layers[-1]
    assert isinstance(last, nn.Linear)
    if row.reference is not None:
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    heads = Heads(head, count_heads(settings, row))
    if row.deformable and row.queries != "proposals":
        # later layers of refining detectors start from the boxes of this one
        first = heads[0].get_submodule("layers.2")
        nn.init.constant_(first.get_parameter("bias")[2:], SMALL)
    return heads


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
