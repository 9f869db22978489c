"""Images of alike shape in groups of equal number: padding each to its group's largest costs few pixels."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sdetr.data.passes import Ints

Padded = Callable[[Ints], Ints]
"""Largest sides (…, 2) → sides with padding (…, 2)."""


def alike(sizes: Ints, groups: int, padded: Padded) -> list[Ints]:
    """(n, 2) H, W → rows of each group, n // groups of them; the last n % groups rows are in none.

    Again and again images are parted in two, the low ones and the high ones or the narrow and the wide, where
    that costs the fewest pixels if nothing is parted any more. Images of equal sides keep their order.
    """
    each = len(sizes) // groups
    waiting, done = [np.arange(each * groups)], []
    while waiting:
        rows = waiting.pop()
        if len(rows) == each:
            done.append(rows)
        else:
            waiting += _parted(sizes, rows, each, padded)
    return done


def _parted(sizes: Ints, rows: Ints, each: int, padded: Padded) -> tuple[Ints, Ints]:
    """Two parts of whole groups."""
    cuts = np.arange(each, len(rows), each)
    orders = [rows[np.argsort(sizes[rows, side], kind="stable")] for side in (0, 1)]
    pixels = np.stack([_pixels(sizes[order], cuts, padded) for order in orders])  # (2, cuts)
    side = int(pixels.min(axis=1).argmin())
    best = np.flatnonzero(pixels[side] == pixels[side].min())
    cut = cuts[best[len(best) // 2]]  # of equally good ones the middle: fewer steps where all are alike
    return orders[side][:cut], orders[side][cut:]


def _pixels(sizes: Ints, cuts: Ints, padded: Padded) -> npt.NDArray[np.int64]:
    """(n, 2) in an order → pixels of both parts, by where it is cut."""
    before, after = np.maximum.accumulate(sizes), np.maximum.accumulate(sizes[::-1])[::-1]
    first, second = (padded(part).prod(axis=-1) for part in (before[cuts - 1], after[cuts]))
    return np.asarray(first * cuts + second * (len(sizes) - cuts))
