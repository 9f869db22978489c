"""How pixels lie in memory: colours of a pixel side by side, as all who read them want them."""

from collections.abc import Sequence

import torch
from torch import Tensor


def blank(*shape: int) -> Tensor:
    """Black bytes (…, 3, H, W)."""
    *many, channels, height, width = shape
    return torch.zeros(*many, height, width, channels, dtype=torch.uint8).movedim(-1, -3)


def beside(images: Sequence[Tensor]) -> Tensor:
    """(…, 3, H, W) each → all as one."""
    return torch.stack([image.movedim(-3, -1) for image in images]).movedim(-1, -3)
