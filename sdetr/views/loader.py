"""Batches of planned pairs of views that depend on (seed, step) alone."""

from collections.abc import Iterator
from pathlib import Path

from sdetr.data.dataset import Dataset
from sdetr.data.endless import endless
from sdetr.types import View
from sdetr.views.features import Features
from sdetr.views.known import places_of
from sdetr.views.passes import Passes
from sdetr.views.pixels import cut
from sdetr.views.stack import with_pixels
from sdetr.views.store import ViewPlan


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
        self._workers = workers
        self._features = None if features is None else Features(features, plan)
        self._places = places_of(dataset, plan)
        self._passes = Passes(plan.counts, batch, seed)
        self.steps_per_pass = self._passes.steps_per_pass

    def from_step(self, step: int) -> Iterator[list[View]]:
        """The batches of `step`, `step` + 1, … for ever: view 1 and view 2 of the same images."""
        return endless(self, step, self._workers)

    def __getitem__(self, step: int) -> list[View]:
        rows = self._passes.places(step)
        pairs = [self._plan.pair(draw, row) for draw, row in rows]
        if self._features is not None:
            return self._features.views(pairs, [sum(self._plan.counts[:draw]) + row for draw, row in rows])
        images = (self._dataset[self._places[pair.image_id]].image for pair in pairs)
        cuts = [cut(image, pair, self._crop_px) for image, pair in zip(images, pairs, strict=True)]
        return with_pixels(pairs, cuts)
