"""Batches of planned views with crops that depend on (seed, step) alone."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from sdetr.boxes import xyxy_to_cxcywh
from sdetr.data.dataset import Dataset
from sdetr.data.endless import endless
from sdetr.types import View
from sdetr.views.crops import Cropped
from sdetr.views.crops_store import CropPlan
from sdetr.views.known import places_of
from sdetr.views.passes import Passes
from sdetr.views.pixels import cut_out, resize

REGION = 1
"""Label of every region, on every pretext that has crops: 0 is never wanted, as in the published weights."""


class CropBatches:
    """One view of each image, once per pass, in an order of the pass; pass e uses draw e mod draws.

    Nothing has a state: the batch of a step is the same for any number of workers and any step to start from.
    """

    def __init__(
        self, dataset: Dataset, plan: CropPlan, crop_px: int, batch: int, seed: int, workers: int = 0
    ) -> None:
        """Raises ValueError if the plan was made for other images."""
        self._dataset, self._plan, self._crop_px, self._workers = dataset, plan, crop_px, workers
        self._places = places_of(dataset, plan)
        self._passes = Passes(plan.counts, batch, seed)
        self.steps_per_pass = self._passes.steps_per_pass

    def from_step(self, step: int) -> Iterator[list[View]]:
        """The batches of `step`, `step` + 1, … for ever: one view each."""
        return endless(self, step, self._workers)

    def __getitem__(self, step: int) -> list[View]:
        planned = [self._plan.view(draw, row) for draw, row in self._passes.places(step)]
        images = (self._dataset[self._places[one.image_id]].image for one in planned)
        return [
            stacked(
                planned,
                [pixels(image, one, self._crop_px) for image, one in zip(images, planned, strict=True)],
            )
        ]


def pixels(image: Tensor, planned: Cropped, crop_px: int) -> tuple[Tensor, Tensor]:
    """(3, H, W) bytes as stored → the view (3, h, w), and its crops (N, 3, s, s), bytes.

    Crops are of the image as it is stored: never flipped, and black beyond its border.
    """
    square = crop_px, crop_px
    crops = [resize(cut_out(image, box), square) for box in planned.regions]
    shown = resize(image.flip(2) if planned.flipped else image, planned.size)
    x0, y0, x1, y1 = planned.window.tolist()
    return resize(shown[:, y0:y1, x0:x1], planned.view_size), torch.stack(crops)


def stacked(planned: list[Cropped], cuts: list[tuple[Tensor, Tensor]]) -> View:
    """Views side by side, padded at the right and the bottom; crops padded to the most regions of a view."""
    height, width = (max(one.view_size[side] for one in planned) for side in (0, 1))
    images = torch.zeros(len(planned), 3, height, width, dtype=torch.uint8)
    padding = torch.ones(len(planned), height, width, dtype=torch.bool)
    for i, (one, (image, _)) in enumerate(zip(planned, cuts, strict=True)):
        h, w = one.view_size
        images[i, :, :h, :w] = image
        padding[i, :h, :w] = False
    boxes = [xyxy_to_cxcywh(torch.from_numpy(one.boxes.astype(np.float32))) for one in planned]
    return View(
        images,
        padding,
        [one.image_id for one in planned],
        boxes,
        [torch.full((len(one),), REGION) for one in boxes],
        pad_sequence([crops for _, crops in cuts], batch_first=True),
    )
