"""Batches of planned pairs of views that depend on (seed, step) alone."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdetr.data.dataset import Dataset
from sdetr.data.endless import endless
from sdetr.types import View
from sdetr.views.features import Features
from sdetr.views.pixels import cut
from sdetr.views.stack import with_pixels
from sdetr.views.store import ViewPlan

ORDER = 4
"""Stream of random numbers."""


class PairBatches:
    """Two views of each image, once per pass, in an order of the pass; pass e uses draw e mod draws.

    All passes are as long as the shortest draw, and an incomplete last batch is dropped. With `features` made
    ahead no image is decoded: views come with maps and features of crops instead of images and crops.
    Nothing has a state: the batch of a step is the same for any number of workers and any step to start from.
    """

    def __init__(
        self,
        dataset: Dataset,
        plan: ViewPlan,
        crop_px: int,
        batch: int,
        seed: int,
        workers: int = 0,
        features: Path | None = None,
    ) -> None:
        """Raises ValueError if the plan, or the features, were made for something else."""
        self._dataset, self._plan, self._crop_px = dataset, plan, crop_px
        self._batch, self._seed, self._workers = batch, seed, workers
        self._features = None if features is None else Features(features, plan)
        self._places = {image_id: i for i, image_id in enumerate(dataset.ids)}
        unknown = sorted(set(plan.draw(0).image_ids.tolist()) - self._places.keys())
        if unknown:
            raise ValueError(
                f"{plan.path} plans image {unknown[0]}, which the data set lacks; plan the views again"
            )
        self._length = min(plan.counts)
        self.steps_per_pass = max(1, self._length // batch)

    def from_step(self, step: int) -> Iterator[list[View]]:
        """The batches of `step`, `step` + 1, … for ever: view 1 and view 2 of the same images."""
        return endless(self, step, self._workers)

    def __getitem__(self, step: int) -> list[View]:
        rows = [self._row(turn, position) for turn, position in self._turns(step)]
        pairs = [self._plan.pair(draw, row) for draw, row in rows]
        if self._features is not None:
            return self._features.views(pairs, [sum(self._plan.counts[:draw]) + row for draw, row in rows])
        images = (self._dataset[self._places[pair.image_id]].image for pair in pairs)
        cuts = [cut(image, pair, self._crop_px) for image, pair in zip(images, pairs, strict=True)]
        return with_pixels(pairs, cuts)

    def _turns(self, step: int) -> list[tuple[int, int]]:
        """Pass, and position in its order, of each image of a batch."""
        if self._length >= self._batch:
            turn, first = divmod(step, self.steps_per_pass)
            return [(turn, first * self._batch + k) for k in range(self._batch)]
        return [divmod(step * self._batch + k, self._length) for k in range(self._batch)]

    def _row(self, turn: int, position: int) -> tuple[int, int]:
        """Draw, and row in it."""
        draw = turn % self._plan.draws
        return draw, int(_order(self._seed, turn, self._plan.counts[draw])[position])


@lru_cache(maxsize=4)
def _order(seed: int, turn: int, length: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng((ORDER, seed, turn)).permutation(length)
