"""One draw of a pair of views of an image: everything about it but the pixels."""

from typing import NamedTuple

import numpy as np

from sdetr.data.sizes import resized
from sdetr.views.geometry import Array, flipped, outer_rectangle, overlap_of, pair_around
from sdetr.views.regions import choose_regions
from sdetr.views.settings import PairsSettings, ViewsRun

DRAW = 3
"""Stream of random numbers."""


class Pair(NamedTuple):
    """Two overlapping views of one image and the regions that both show."""

    image_id: int
    flipped: bool
    size: tuple[int, int]  # (H, W) that the image is resized to
    view_size: tuple[int, int]  # (H, W) that both views are resized to
    views: Array  # (2, 4) xyxy px of the resized and perhaps flipped image
    regions: Array  # (R, 4) likewise; the first is the overlap


def plan_pair(
    run: ViewsRun, image_id: int, size: tuple[int, int], boxes_xyxy_px: Array, draw: int
) -> Pair | None:
    """The pair depends on (seed, image, draw) alone; None where no proposal (N, 4) shows in the overlap.

    `size` (H, W) and proposals are those of the image as it is stored and shown, upright.
    """
    settings = run.views
    assert isinstance(settings, PairsSettings)
    rng = np.random.default_rng((DRAW, run.seed, image_id, draw))
    shown = resized(size, int(rng.choice(run.short)), run.longest)
    boxes = boxes_xyxy_px * np.tile([shown[1] / size[1], shown[0] / size[0]], 2)
    mirror = bool(rng.random() < settings.flip)
    if mirror:
        boxes = flipped(boxes, shown[1])
    outer = outer_rectangle(shown, settings.area, settings.aspect, rng)
    views = pair_around(outer, settings.iou, (rng.random(), rng.random()))
    if rng.random() < 0.5:
        views = views[::-1]
    regions = choose_regions(
        boxes,
        overlap_of(outer, settings.iou),
        settings.regions,
        settings.min_region,
        settings.pad_jitter,
        rng,
    )
    if regions is None:
        return None
    x0, y0, x1, y1 = outer
    return Pair(image_id, mirror, shown, (int(y1 - y0), int(x1 - x0)), views, regions)
