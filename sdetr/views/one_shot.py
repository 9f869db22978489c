"""Training batches of one-shot detection: in each image one class is to be found, which a crop stands for."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from sdetr.data.endless import endless
from sdetr.data.layout import beside
from sdetr.data.loader import TrainBatches
from sdetr.data.passes import Place
from sdetr.types import View
from sdetr.views.queries import QueryPool

ASKED = 10
"""Stream of random numbers."""


class OneShotBatches:
    """The images of other batches; of their objects those of one class remain, drawn evenly from the classes
    there are, and a crop of any training object of that class, drawn evenly, is what is asked with.

    Nothing has a state: what is asked depends on (seed, pass, image) alone.
    """

    def __init__(self, batches: TrainBatches, pool: QueryPool, seed: int, workers: int = 0) -> None:
        """`pool` is of the batches' data set. Raises ValueError if there is nothing to ask with."""
        if not pool.of_class:
            raise ValueError("no training image has an object that could be asked for, crowds aside")
        self._batches, self._pool, self._seed, self._workers = batches, pool, seed, workers
        self.steps_per_pass = batches.steps_per_pass

    def from_step(self, step: int) -> Iterator[View]:
        """The batches of `step`, `step` + 1, … for ever."""
        return endless(self, step, self._workers)

    def __getitem__(self, step: int) -> View:
        """Boxes of the class that is asked for, all of label 0, and one crop per image, (B, 1, 3, s, s)."""
        view = self._batches[step]
        boxes, labels, crops = [], [], []
        for place, image_id, there, found in zip(
            self._batches.places(step), view.image_ids, view.labels, view.boxes, strict=True
        ):
            label, crop = self._drawn(place, image_id, there.tolist())
            boxes.append(found[there == label])
            labels.append(torch.zeros(len(boxes[-1]), dtype=torch.int64))
            crops.append(self._pool.crop(crop))
        return replace(view, boxes=boxes, labels=labels, crops=beside(crops)[:, None])

    def _drawn(self, place: Place, image_id: int, shown: list[int]) -> tuple[int, int]:
        """A class, and the number of a crop of it; where the view lost all objects, one of the whole image's,
        and where that never had any but crowds, any class: then nothing is to be found.
        """
        rng = np.random.default_rng((ASKED, self._seed, place.turn, image_id))
        classes = sorted(set(shown)) or self._pool.classes_in(place.row) or sorted(self._pool.of_class)
        label = int(rng.choice(classes))
        return label, int(rng.choice(self._pool.of_class[label]))
