"""Batches of planned pairs of views."""

from pathlib import Path

from sdetr.data.dataset import Dataset
from sdetr.data.loader import WHOLE
from sdetr.data.settings import AS_DRAWN, BucketSettings
from sdetr.types import View
from sdetr.views.batches import PlannedBatches
from sdetr.views.features import Features
from sdetr.views.pixels import cut
from sdetr.views.stack import with_pixels
from sdetr.views.store import ViewPlan


class PairBatches(PlannedBatches[ViewPlan]):
    """View 1 and view 2 of the same images.

    With `features` made ahead no image is decoded: views come with maps and features of crops instead of
    images and crops.
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
        buckets: BucketSettings = AS_DRAWN,
        part: slice = WHOLE,
    ) -> None:
        """Raises ValueError if the plan, or the features, were made for something else."""
        super().__init__(dataset, plan, crop_px, batch, seed, workers, buckets, part)
        self._features = None if features is None else Features(features, plan)

    def __getitem__(self, step: int) -> list[View]:
        rows = self._planned(step)
        pairs = [self._plan.pair(draw, row) for draw, row in rows]
        shape = self._buckets.shape([pair.view_size for pair in pairs])
        rows, pairs = rows[self._part], pairs[self._part]
        if self._features is not None:
            numbers = [sum(self._plan.counts[:draw]) + row for draw, row in rows]
            return self._features.views(pairs, numbers, shape)
        cuts = [cut(self._image(pair.image_id), pair, self._crop_px) for pair in pairs]
        return with_pixels(pairs, cuts, shape)
