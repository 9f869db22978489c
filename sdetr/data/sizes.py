"""To what size an image is resized, and what is cut out of it; known before any pixel is read."""

import numpy as np

from sdetr.data.settings import CropSettings


def resized(size: tuple[int, int], short: int, longest: int | None = None) -> tuple[int, int]:
    """(H, W) with the short side `short`, or less where the other would pass `longest`.

    As DETR rounds: a short side lowered by `longest` to the nearest, the long side down.
    """
    low, high = min(size), max(size)
    if longest is not None and high / low * short > longest:
        short = max(1, round(longest * low / high))
    height, width = size
    if height < width:
        return short, int(short * width / height)
    return int(short * height / width), short


def draw_window(
    size: tuple[int, int], settings: CropSettings, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """(x, y, width, height) in an image of `size` (H, W): sides drawn in the range, no longer than its."""
    smallest, largest = settings.side
    sides = [int(rng.integers(min(smallest, side), min(largest, side) + 1)) for side in size]
    height, width = sides
    y, x = (int(rng.integers(side - cut + 1)) for side, cut in zip(size, sides, strict=True))
    return x, y, width, height
