"""Which images are in the batch of a step: each once per pass, in an order of the pass."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Place(NamedTuple):
    """An image in a pass."""

    turn: int  # number of the pass; of several draws, `turn` mod draws is used
    row: int  # in that draw


class Passes:
    """All passes are as long as the shortest draw; an incomplete last batch is dropped.

    Fewer images than a batch are passed over as often as the batch needs. Nothing has a state.
    """

    def __init__(self, stream: int, counts: Sequence[int], batch: int, seed: int) -> None:
        """`stream` of random numbers; `counts`: images of every draw."""
        self._stream, self._counts = stream, tuple(counts)
        self.batch, self.seed = batch, seed
        self.length = min(counts)
        self.steps_per_pass = max(1, self.length // batch)

    def places(self, step: int) -> list[Place]:
        """Of each image of a batch."""
        if self.length >= self.batch:
            turn, first = divmod(step, self.steps_per_pass)
            turns = [(turn, first * self.batch + k) for k in range(self.batch)]
        else:
            turns = [divmod(step * self.batch + k, self.length) for k in range(self.batch)]
        return [Place(turn, int(self.order(turn)[position])) for turn, position in turns]

    def order(self, turn: int) -> Ints:
        """Rows of the draw whose turn it is, in the order of the pass; a pass ends where its length does."""
        return _order(self._stream, self.seed, turn, self._counts[turn % len(self._counts)])


@lru_cache(maxsize=4)
def _order(stream: int, seed: int, turn: int, length: int) -> Ints:
    return np.random.default_rng((stream, seed, turn)).permutation(length)
