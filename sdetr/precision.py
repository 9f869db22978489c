"""Numbers that must not be rounded to eight bits: places, boxes, losses."""

import torch
from torch import Tensor


def exact(x: Tensor) -> Tensor:
    """At least float32: half precision is widened, float64 stays what it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
