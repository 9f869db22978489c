"""Training batches that depend on (seed, step) alone, and test images in batches without padding."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from sdetr.boxes import xyxy_to_cxcywh
from sdetr.data.buckets import Buckets
from sdetr.data.dataset import Dataset, Sample
from sdetr.data.endless import endless
from sdetr.data.layout import blank
from sdetr.data.passes import Ints, Passes, Place
from sdetr.data.settings import AS_DRAWN, AugmentSettings, BucketSettings, ResizeSettings
from sdetr.data.sizes import Change, draw_change, resized
from sdetr.data.transforms import Targeted, changed, resize
from sdetr.types import View

ORDER, CHANGES = 1, 2  # streams of random numbers
WHOLE = slice(None)
"""Of a batch, as one process has it."""


class TrainBatches:
    """Each image once per pass in an order of the pass; an incomplete last batch is dropped.

    A data set smaller than the batch is passed over as often as a batch needs, each time with other changes.
    Nothing has a state: the batch of a step is the same for any number of workers and any step to start from.
    """

    def __init__(
        self,
        dataset: Dataset,
        settings: AugmentSettings,
        batch: int,
        seed: int,
        workers: int = 0,
        buckets: BucketSettings = AS_DRAWN,
        part: slice = WHOLE,
    ) -> None:
        """`part` of every batch, padded as all of it is."""
        self._dataset, self._settings, self._seed, self._workers = dataset, settings, seed, workers
        self._part = part
        self._buckets = Buckets(Passes(ORDER, [len(dataset)], batch, seed), buckets, self._sizes)
        self.steps_per_pass = self._buckets.steps_per_pass

    def from_step(self, step: int) -> Iterator[View]:
        """The batches of `step`, `step` + 1, … for ever."""
        return endless(self, step, self._workers)

    def places(self, step: int) -> list[Place]:
        """Where in which pass the images of this part of a batch stand."""
        return self._buckets.places(step)[self._part]

    def __getitem__(self, step: int) -> View:
        changes = [(place.row, self._change(place)) for place in self._buckets.places(step)]
        shape = self._buckets.shape([change.size for _, change in changes])
        return stack([self._item(*change) for change in changes[self._part]], shape)

    def _item(self, row: int, change: Change) -> tuple[Targeted, int]:
        sample = self._dataset[row]
        crowds = bool(self._dataset.things)  # to be segmented like all else (UP-DETR T20)
        return changed(_targets(sample, crowds), change), sample.image_id

    def _change(self, place: Place) -> Change:
        rng = np.random.default_rng((CHANGES, self._seed, place.turn, self._dataset.ids[place.row]))
        return draw_change(self._dataset.sizes[place.row], self._settings, rng)

    def _sizes(self, turn: int, rows: Ints) -> Ints:
        return np.array([self._change(Place(turn, row)).size for row in rows.tolist()])


def test_views(
    dataset: Dataset, settings: ResizeSettings, most: int = 16, part: slice = WHOLE
) -> Iterator[tuple[View, Tensor]]:
    """Every image once, with the original sizes (B, 2) float (H, W) in pixels; or `part` of these views.

    Only images of the same shape share a view, so none is padded, and the batch changes no answer.
    """
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, size in enumerate(dataset.sizes):
        groups[resized(size, settings.short, settings.longest)].append(i)
    views = [
        (shape, rows[start : start + most])
        for shape, rows in groups.items()
        for start in range(0, len(rows), most)
    ]
    for shape, chosen in views[part]:
        samples = [dataset[i] for i in chosen]
        view = stack([(resize(_targets(sample), shape), sample.image_id) for sample in samples], shape)
        yield view, torch.tensor([dataset.sizes[i] for i in chosen], dtype=torch.float32)


test_views.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test


def stack(items: Sequence[tuple[Targeted, int]], shape: tuple[int, int]) -> View:
    """Images side by side in one block, padded at the right and the bottom to `shape` (H, W)."""
    images = blank(len(items), 3, *shape)
    padding = torch.ones(len(items), *shape, dtype=torch.bool)
    boxes = []
    for i, (item, _) in enumerate(items):
        h, w = item.size
        images[i, :, :h, :w] = item.image
        padding[i, :h, :w] = False
        boxes.append(xyxy_to_cxcywh(item.boxes_xyxy_px / torch.tensor([w, h, w, h])))
    ids, labels = [image_id for _, image_id in items], [item.labels for item, _ in items]
    return View(images, padding, ids, boxes, labels, shown=_shown([item for item, _ in items], shape))


def _shown(items: Sequence[Targeted], shape: tuple[int, int]) -> Tensor | None:
    """(B, H, W); padding shows nothing."""
    each = [item.shown for item in items if item.shown is not None]
    if len(each) < len(items):
        return None
    shown = torch.full((len(items), *shape), -1, dtype=torch.int16)
    for i, own in enumerate(each):
        shown[i, : own.shape[0], : own.shape[1]] = own
    return shown


def _targets(sample: Sample, crowds: bool = False) -> Targeted:
    """Without crowds: their one box is around many, and evaluation leaves them out too."""
    if crowds:
        return Targeted(sample.image, sample.boxes_xyxy_px, sample.labels, sample.shown)
    one = ~sample.crowd
    return Targeted(sample.image, sample.boxes_xyxy_px[one], sample.labels[one])
