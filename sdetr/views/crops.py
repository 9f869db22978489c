"""One draw of a view of an image and of regions in it: everything about both but the pixels."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sdetr.data.sizes import draw_window, resized
from sdetr.views.geometry import Array, flipped
from sdetr.views.settings import CropsSettings, ViewsRun

DRAW = 5
"""Stream of random numbers."""


class Cropped(NamedTuple):
    """A view, and the regions that it shows."""

    image_id: int
    flipped: bool
    size: tuple[int, int]  # (H, W) that the image is resized to
    window: npt.NDArray[
        np.int32
    ]  # (4,) xyxy whole px of the resized and perhaps flipped image: what becomes the view
    view_size: tuple[int, int]  # (H, W) that the window is resized to
    regions: Array  # (N, 4) xyxy px of the image as it is stored and shown, upright: what crops are of
    boxes: Array  # (N, 4) xyxy, the same in fractions of the view; beyond 0..1 where a box leaves the image


def plan_crops(
    run: ViewsRun, image_id: int, size: tuple[int, int], regions_xyxy_px: Array, draw: int
) -> Cropped | None:
    """The view depends on (seed, image, draw) alone; None where it shows too few of the regions (N, 4).

    `size` (H, W) and regions are those of the image as it is stored and shown, upright. Regions that a window
    cuts are clipped to it, as in DETR's augmentation; those that it misses are not regions of this view.
    """
    recipe = run.views
    assert isinstance(recipe, CropsSettings)
    rng = np.random.default_rng((DRAW, run.seed, image_id, draw))
    mirror = bool(rng.random() < recipe.flip)
    cropped = recipe.crop is not None and rng.random() < recipe.crop.probability
    if recipe.crop is not None and cropped:
        shown = resized(size, int(rng.choice(recipe.crop.short)))
        x, y, width, height = draw_window(shown, recipe.crop, rng)
        view_size = resized((height, width), int(rng.choice(run.short)), run.longest)
    else:
        shown = view_size = resized(size, int(rng.choice(run.short)), run.longest)
        x, y, (height, width) = 0, 0, shown
    boxes = regions_xyxy_px * np.tile([shown[1] / size[1], shown[0] / size[0]], 2)
    boxes = flipped(boxes, shown[1]) if mirror else boxes
    boxes = (boxes - [x, y, x, y]) / np.tile([width, height], 2)
    boxes = boxes.clip(0, 1) if cropped else boxes
    seen = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)  # some area
    if seen.sum() < recipe.fewest:
        return None
    window = np.array([x, y, x + width, y + height], np.int32)
    return Cropped(image_id, mirror, shown, window, view_size, regions_xyxy_px[seen], boxes[seen])
