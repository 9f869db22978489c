"""Numbers that must not be rounded to eight bits: places, boxes, losses."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def exact(x: Tensor) -> Tensor:
    """At least float32: half precision is widened, float64 stays what it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def unrounded(x: Tensor) -> AbstractContextManager[object]:
    """No autocast on the device of `x`: with 8 bits, places and boxes would be those of whole pixels."""
    # a tensor without data has no device whose autocast could be on
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)
