"""Planned pairs side by side: two padded views whose pixels, or features, are still to be filled in."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from sdetr.boxes import xyxy_to_cxcywh
from sdetr.data.layout import beside, blank
from sdetr.types import View
from sdetr.views.geometry import inside
from sdetr.views.pairs import Pair
from sdetr.views.pixels import Cut


def without_pixels(pairs: Sequence[Pair], shape: tuple[int, int]) -> list[View]:
    """View 1 and view 2 of B pairs, both padded to `shape` (H, W): padding, boxes and labels.

    Images have no size, (B, 3, 0, 0).
    """
    padding = torch.ones(len(pairs), *shape, dtype=torch.bool)
    for i, pair in enumerate(pairs):
        padding[i, : pair.view_size[0], : pair.view_size[1]] = False
    ids = [pair.image_id for pair in pairs]
    regions = [torch.from_numpy(inside(pair.regions, pair.views).astype(np.float32)) for pair in pairs]
    labels = [torch.zeros(len(pair.regions), dtype=torch.int64) for pair in pairs]
    nothing = torch.zeros(len(pairs), 3, 0, 0, dtype=torch.uint8)
    return [
        View(nothing, padding, ids, [xyxy_to_cxcywh(both[which]) for both in regions], labels)
        for which in (0, 1)
    ]


def with_pixels(pairs: Sequence[Pair], cuts: Sequence[Cut], shape: tuple[int, int]) -> list[View]:
    """View 1 and view 2 of B pairs, both padded to `shape` (H, W), with their images and crops, bytes."""
    views = []
    for which, view in enumerate(without_pixels(pairs, shape)):
        images = blank(len(pairs), 3, *view.padding.shape[1:])
        for i, (height, width) in enumerate(pair.view_size for pair in pairs):
            images[i, :, :height, :width] = cuts[i].images[which]
        crops = beside([one.crops[which] for one in cuts])  # (B, R, 3, s, s)
        views.append(replace(view, images=images, crops=crops))
    return views
