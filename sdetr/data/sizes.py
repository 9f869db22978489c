"""To what size an image is resized, and what is cut out of it; known before any pixel is read."""

from typing import NamedTuple

import numpy as np

from sdetr.data.settings import AugmentSettings, CropSettings


class Change(NamedTuple):
    """What happens to a training image, in this order."""

    flipped: bool
    between: tuple[int, int] | None  # (H, W) that it is resized to before it is cut
    window: tuple[int, int, int, int] | None  # x, y, width, height
    size: tuple[int, int]  # (H, W) that it has in the end


def draw_change(size: tuple[int, int], settings: AugmentSettings, rng: np.random.Generator) -> Change:
    """Of an image of `size` (H, W)."""
    flipped = bool(rng.random() < settings.flip)
    between = window = None
    if settings.crop and rng.random() < settings.crop.probability:
        between = resized(size, int(rng.choice(settings.crop.short)))
        window = draw_window(between, settings.crop, rng)
        size = window[3], window[2]
    return Change(flipped, between, window, resized(size, int(rng.choice(settings.short)), settings.longest))


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
