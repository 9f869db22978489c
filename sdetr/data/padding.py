"""To what shape a batch is padded: whole cells, or one of a few shapes that most batches share."""

from typing import Self

import numpy as np

from sdetr.data.alike import alike
from sdetr.data.passes import Ints

COARSE = 4
"""Cells of which a side is a multiple where none of the shapes is large enough: rare shapes are few, too."""


class Padding:
    """Largest sides (…, 2) H, W of some images → sides of their batch (…, 2), none smaller, px."""

    def __init__(self, cell_px: int, shapes: Ints | None = None) -> None:
        """`shapes` (K, 2) in cells; none: any number of cells."""
        self._cell_px = cell_px
        self._shapes = None if shapes is None else shapes[np.argsort(shapes.prod(axis=1), kind="stable")]

    @classmethod
    def learned(cls, sizes: Ints, count: int, cell_px: int) -> Self:
        """At most `count` shapes, for images like those of `sizes` (n, 2); they lie close where these do."""
        plain = cls(cell_px)
        groups = alike(sizes, min(count, len(sizes)), plain)
        largest = np.stack([sizes[rows].max(axis=0) for rows in groups])
        return cls(cell_px, np.unique(plain(largest) // cell_px, axis=0))

    def __call__(self, sizes: Ints) -> Ints:
        cells = -(-sizes // self._cell_px)
        if self._shapes is not None:
            fits = (self._shapes >= cells[..., None, :]).all(axis=-1)  # (…, K), the smallest first
            coarse = -(-cells // COARSE) * COARSE
            cells = np.where(fits.any(axis=-1, keepdims=True), self._shapes[fits.argmax(axis=-1)], coarse)
        return cells * self._cell_px
