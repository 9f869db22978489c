"""What a proposer says about an image."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sdetr.data.images import Pixels

Floats = npt.NDArray[np.float32]
Orders = npt.NDArray[np.int32]


class Proposed(NamedTuple):
    """Boxes of one image, best first, at least one."""

    boxes_xyxy_px: Floats  # (N, 4) of the displayed image
    scores: Floats  # (N,) higher is better; comparable within an image alone
    how: str
    """In one word, to be counted."""
    orders: tuple[Orders, ...] = ()
    """Further rankings of the same boxes, (N,) each: which box stands at each rank."""


Propose = Callable[[int, Pixels], Proposed]
"""Image id and (H, W, 3) RGB → boxes; the id is for those that draw."""
