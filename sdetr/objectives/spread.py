"""Whether vectors still differ: the meter that sees collapse (arXiv:2011.10566 §4.1)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


@torch.no_grad()
def spread(vectors: Tensor) -> Tensor:
    """(N, D) → (): deviation of unit vectors per dimension, times √D: 0 if all are one, 1 if spread."""
    unit = F.normalize(vectors, dim=-1)
    return unit.std(dim=0, correction=0).mean() * math.sqrt(vectors.shape[-1])
