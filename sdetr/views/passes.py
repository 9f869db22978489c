"""Which planned views are in the batch of a step: each image once per pass, draws in turn."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

ORDER = 4
"""Stream of random numbers."""


class Passes:
    """All passes are as long as the shortest draw; an incomplete last batch is dropped.

    A draw of fewer images than a batch is passed over as often as the batch needs. Nothing has a state.
    """

    def __init__(self, counts: Sequence[int], batch: int, seed: int) -> None:
        """`counts`: views of every draw."""
        self._counts, self._batch, self._seed = counts, batch, seed
        self._length = min(counts)
        self.steps_per_pass = max(1, self._length // batch)

    def places(self, step: int) -> list[tuple[int, int]]:
        """Draw, and row in it, of each view of a batch; pass e uses draw e mod draws."""
        return [self._place(turn, position) for turn, position in self._turns(step)]

    def _turns(self, step: int) -> list[tuple[int, int]]:
        """Pass, and position in its order."""
        if self._length >= self._batch:
            turn, first = divmod(step, self.steps_per_pass)
            return [(turn, first * self._batch + k) for k in range(self._batch)]
        return [divmod(step * self._batch + k, self._length) for k in range(self._batch)]

    def _place(self, turn: int, position: int) -> tuple[int, int]:
        draw = turn % len(self._counts)
        return draw, int(_order(self._seed, turn, self._counts[draw])[position])


@lru_cache(maxsize=4)
def _order(seed: int, turn: int, length: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng((ORDER, seed, turn)).permutation(length)
