"""What hides what: objects lie on top of each other, and enough of each stays visible."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sdetr.data.embedded.paint import Random
from sdetr.data.embedded.patches import random_corner
from sdetr.data.embedded.shapes import Floats

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Placed:
    """An object on the canvas, and whether it is one of the odd ones."""

    name: str
    whole: Mask  # (H, W), hidden parts included
    crowd: bool
    difficult: bool


def find_room(
    rng: Random, cover: Floats, placed: list[Placed], size: tuple[int, int], visible: float
) -> tuple[int, int] | None:
    """(x, y) of a corner where the patch leaves enough to be seen of everything below it, or None."""
    for _ in range(30):
        corner = random_corner(rng, cover, size)
        ours = whole_mask(cover, corner, size)
        others = [*[other.whole for other in placed], ours]
        if all(share >= visible for _, share in visible_shares(others)):
            return corner
    return None


def whole_mask(cover: Floats, corner: tuple[int, int], size: tuple[int, int]) -> Mask:
    mask = np.zeros(size, np.bool_)
    x, y = corner
    mask[y : y + cover.shape[0], x : x + cover.shape[1]] = cover >= 0.5
    return mask


def visible_shares(wholes: list[Mask]) -> list[tuple[Mask, float]]:
    """Visible mask and share of each, the last lying on top."""
    seen, above = [], np.zeros_like(wholes[0])
    for whole in reversed(wholes):
        mask = whole & ~above
        seen.append((mask, float(mask.sum() / whole.sum())))
        above = above | whole
    return seen[::-1]
