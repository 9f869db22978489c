"""Batches of images of alike shape, composed among the batches that a pass has side by side."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from sdetr.data.alike import alike
from sdetr.data.padding import Padding
from sdetr.data.passes import Ints, Passes, Place
from sdetr.data.settings import BucketSettings

POOLS = 9
"""Stream of random numbers."""

SEEN = 64
"""Images per shape from which shapes are learned."""

Sizes = Callable[[int, Ints], Ints]
"""Number of a pass, and rows in it (n,) → (n, 2) H, W of what they become, without reading a pixel."""


class Buckets:
    """Which images are in the batch of a step, and what they are padded to; both by (seed, step) alone.

    A pass is cut into pools of batches. The images of a pool are those that an order without shapes would
    have put there; which of them meet is decided by their shapes, and then chance orders the batches.
    """

    def __init__(self, passes: Passes, settings: BucketSettings, sizes: Sizes) -> None:
        self._passes, self._settings, self._sizes = passes, settings, sizes
        self._kept: dict[tuple[int, int], list[Ints]] = {}  # the pool that was asked about last
        self.steps_per_pass = passes.steps_per_pass

    def places(self, step: int) -> list[Place]:
        """Of each image of a batch, in the order of the pass."""
        if self._settings.pool == 1 or self._passes.length < self._passes.batch:
            return self._passes.places(step)
        turn, at = divmod(step, self.steps_per_pass)
        first = at - at % self._settings.pool
        if (turn, first) not in self._kept:
            self._kept = {(turn, first): self._composed(turn, first)}
        return [Place(turn, row) for row in self._kept[turn, first][at - first].tolist()]

    def shape(self, sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """(H, W) that images of `sizes` are padded to."""
        height, width = self._padding(np.array(sizes, np.int64).max(axis=0)).tolist()
        return height, width

    def _composed(self, turn: int, first: int) -> list[Ints]:
        """Rows of each batch of the pool whose first batch is the `first` of a pass."""
        batches = min(self._settings.pool, self.steps_per_pass - first)
        batch = self._passes.batch
        rows = self._passes.order(turn)[first * batch : (first + batches) * batch]
        groups = alike(self._sizes(turn, rows), batches, self._padding)
        order = np.random.default_rng((POOLS, self._passes.seed, turn, first)).permutation(batches)
        return [rows[np.sort(groups[k])] for k in order]

    @cached_property
    def _padding(self) -> Padding:
        """Shapes are learned from the beginning of the first pass, wherever a run begins."""
        cell_px, shapes = self._settings.multiple_px, self._settings.shapes
        if shapes is None:
            return Padding(cell_px)
        first = self._passes.order(0)[: SEEN * shapes]
        return Padding.learned(self._sizes(0, first), shapes, cell_px)
