"""Batches of planned views that depend on (seed, step) alone."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import numpy as np
from torch import Tensor

from sdetr.data.buckets import Buckets
from sdetr.data.dataset import Dataset
from sdetr.data.endless import endless
from sdetr.data.loader import WHOLE
from sdetr.data.passes import Ints, Passes
from sdetr.data.settings import AS_DRAWN, BucketSettings
from sdetr.types import View
from sdetr.views.draws import DrawFile

Plan = TypeVar("Plan", bound=DrawFile[Any])

ORDER = 4
"""Stream of random numbers."""


class PlannedBatches(Generic[Plan]):
    """What is planned of each image, once per pass, in an order of the pass; pass e uses draw e mod draws.

    Nothing has a state: the batch of a step is the same for any number of workers and any step to start from.
    """

    def __init__(
        self,
        dataset: Dataset,
        plan: Plan,
        crop_px: int,
        batch: int,
        seed: int,
        workers: int = 0,
        buckets: BucketSettings = AS_DRAWN,
        part: slice = WHOLE,
    ) -> None:
        """`part` of every batch, padded as all of it is.

        Raises ValueError if the plan has an image that the data set lacks.
        """
        self._dataset, self._plan, self._crop_px, self._workers = dataset, plan, crop_px, workers
        self._part = part
        self._places = {image_id: i for i, image_id in enumerate(dataset.ids)}
        unknown = sorted(set(plan.draw(0).image_ids.tolist()) - self._places.keys())
        if unknown:
            raise ValueError(
                f"{plan.path} plans image {unknown[0]}, which the data set lacks; plan the views again"
            )
        self._buckets = Buckets(Passes(ORDER, plan.counts, batch, seed), buckets, self._sizes)
        self.steps_per_pass = self._buckets.steps_per_pass

    def from_step(self, step: int) -> Iterator[list[View]]:
        """The batches of `step`, `step` + 1, … for ever."""
        return endless(self, step, self._workers)

    @abstractmethod
    def __getitem__(self, step: int) -> list[View]:
        """The views of one batch."""

    def _planned(self, step: int) -> list[tuple[int, int]]:
        """Draw, and row in it, of each image of a batch."""
        return [(place.turn % self._plan.draws, place.row) for place in self._buckets.places(step)]

    def _sizes(self, turn: int, rows: Ints) -> Ints:
        sizes: Ints = self._plan.draw(turn % self._plan.draws).view_sizes[rows].astype(np.int64)
        return sizes

    def _image(self, image_id: int) -> Tensor:
        """(3, H, W) bytes as stored."""
        return self._dataset[self._places[image_id]].image
