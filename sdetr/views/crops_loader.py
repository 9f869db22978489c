"""Batches of planned views with crops."""

import numpy as np
import torch
from torch import Tensor

from sdetr.boxes import xyxy_to_cxcywh
from sdetr.data.layout import beside, blank
from sdetr.types import View
from sdetr.views.batches import PlannedBatches
from sdetr.views.crops import Cropped
from sdetr.views.crops_store import CropPlan
from sdetr.views.pixels import cut_out, resize


class CropBatches(PlannedBatches[CropPlan]):
    """One view of each image, with crops."""

    def __getitem__(self, step: int) -> list[View]:
        planned = [self._plan.view(draw, row) for draw, row in self._planned(step)]
        shape = self._buckets.shape([one.view_size for one in planned])
        own = planned[self._part]
        cuts = [pixels(self._image(one.image_id), one, self._crop_px) for one in own]
        return [stacked(own, cuts, shape)]


def pixels(image: Tensor, planned: Cropped, crop_px: int) -> tuple[Tensor, Tensor]:
    """(3, H, W) bytes as stored → the view (3, h, w), and its crops (N, 3, s, s), bytes.

    Crops are of the image as it is stored: never flipped, and black beyond its border.
    """
    square = crop_px, crop_px
    crops = [resize(cut_out(image, box), square) for box in planned.regions]
    shown = resize(image.flip(2) if planned.flipped else image, planned.size)
    x0, y0, x1, y1 = planned.window.tolist()
    return resize(shown[:, y0:y1, x0:x1], planned.view_size), beside(crops)


def stacked(planned: list[Cropped], cuts: list[tuple[Tensor, Tensor]], shape: tuple[int, int]) -> View:
    """Views side by side, padded at the right and the bottom to `shape` (H, W).

    Crops are padded to the most regions of a view.
    """
    images = blank(len(planned), 3, *shape)
    most = max(len(of_image) for _, of_image in cuts)
    crops = blank(len(planned), most, *cuts[0][1].shape[1:])
    padding = torch.ones(len(planned), *shape, dtype=torch.bool)
    for i, (one, (image, of_image)) in enumerate(zip(planned, cuts, strict=True)):
        h, w = one.view_size
        images[i, :, :h, :w] = image
        crops[i, : len(of_image)] = of_image
        padding[i, :h, :w] = False
    boxes = [xyxy_to_cxcywh(torch.from_numpy(one.boxes.astype(np.float32))) for one in planned]
    return View(
        images,
        padding,
        [one.image_id for one in planned],
        boxes,
        [torch.zeros(len(one), dtype=torch.int64) for one in boxes],
        crops,
    )
