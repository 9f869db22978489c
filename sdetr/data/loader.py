"""Training batches that depend on (seed, step) alone, and test images in batches without padding."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sdetr.boxes import xyxy_to_cxcywh
from sdetr.data.dataset import Dataset, Sample
from sdetr.data.endless import endless
from sdetr.data.settings import AugmentSettings, ResizeSettings
from sdetr.data.sizes import resized
from sdetr.data.transforms import Targeted, augment, resize
from sdetr.types import View

ORDER, CHANGES = 1, 2  # streams of random numbers


class TrainBatches:
    """Each image once per pass in an order of the pass; an incomplete last batch is dropped.

    A data set smaller than the batch is passed over as often as a batch needs, each time with other changes.
    Nothing has a state: the batch of a step is the same for any number of workers and any step to start from.
    """

    def __init__(
        self, dataset: Dataset, settings: AugmentSettings, batch: int, seed: int, workers: int = 0
    ) -> None:
        self._dataset, self._settings, self._batch = dataset, settings, batch
        self._seed, self._workers = seed, workers
        self.steps_per_pass = max(1, len(dataset) // batch)

    def from_step(self, step: int) -> Iterator[View]:
        """The batches of `step`, `step` + 1, … for ever."""
        return endless(self, step, self._workers)

    def __getitem__(self, step: int) -> View:
        return stack([self._item(place) for place in self._places(step)])

    def _places(self, step: int) -> list["_Place"]:
        n = len(self._dataset)
        if n >= self._batch:
            turn, first = divmod(step, self.steps_per_pass)
            return [_Place(turn, first * self._batch + k) for k in range(self._batch)]
        return [_Place(*divmod(step * self._batch + k, n)) for k in range(self._batch)]

    def _item(self, place: "_Place") -> tuple[Targeted, int]:
        sample = self._dataset[int(_order(self._seed, place.turn, len(self._dataset))[place.position])]
        rng = np.random.default_rng((CHANGES, self._seed, place.turn, sample.image_id))
        return augment(_targets(sample), self._settings, rng), sample.image_id


def test_views(dataset: Dataset, settings: ResizeSettings, most: int = 16) -> Iterator[tuple[View, Tensor]]:
    """Every image once, with the original sizes (B, 2) float (H, W) in pixels.

    Only images of the same shape share a view, so none is padded, and the batch changes no answer.
    """
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, size in enumerate(dataset.sizes):
        groups[resized(size, settings.short, settings.longest)].append(i)
    for shape, rows in groups.items():
        for start in range(0, len(rows), most):
            chosen = rows[start : start + most]
            samples = [dataset[i] for i in chosen]
            view = stack([(resize(_targets(sample), shape), sample.image_id) for sample in samples])
            yield view, torch.tensor([dataset.sizes[i] for i in chosen], dtype=torch.float32)


test_views.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test


def stack(items: Sequence[tuple[Targeted, int]]) -> View:
    """Images side by side in one block, padded at the right and the bottom."""
    height, width = (max(item.size[side] for item, _ in items) for side in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    padding = torch.ones(len(items), height, width, dtype=torch.bool)
    boxes = []
    for i, (item, _) in enumerate(items):
        h, w = item.size
        images[i, :, :h, :w] = item.image
        padding[i, :h, :w] = False
        boxes.append(xyxy_to_cxcywh(item.boxes_xyxy_px / torch.tensor([w, h, w, h])))
    return View(
        images, padding, [image_id for _, image_id in items], boxes, [item.labels for item, _ in items]
    )


@lru_cache(maxsize=4)
def _order(seed: int, turn: int, length: int) -> "np.typing.NDArray[np.int64]":
    return np.random.default_rng((ORDER, seed, turn)).permutation(length)


class _Place(NamedTuple):
    turn: int  # pass over the data
    position: int  # in the order of that pass


def _targets(sample: Sample) -> Targeted:
    """Without crowds: their one box is around many, and evaluation leaves them out too."""
    one = ~sample.crowd
    return Targeted(sample.image, sample.boxes_xyxy_px[one], sample.labels[one])
