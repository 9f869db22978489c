"""Selective Search (Uijlings et al., IJCV 2013): regions grown from segments, partly at random."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sdetr.data.images import Pixels
from sdetr.proposals.grouping import Regions, Similarity, describe, group
from sdetr.proposals.proposed import Floats, Orders, Proposed
from sdetr.proposals.settings import SelectiveSearchSettings

SIGMA_PX = 0.8
"""Blur before a segmentation."""
LEAST_PX = 100
"""Smallest segment."""
THRESHOLDS = {"fast": (150, 300, 450), "quality": (150, 300, 450, 600, 750)}
"""How readily segments are joined, one segmentation each."""

STREAM = 0x53536561
"""Keeps these draws apart from others."""


class SelectiveSearch:
    """One image → the boxes that OpenCV's `process()` finds, in rankings drawn as it draws them.

    `process()` computes everything anew for every ranking, and draws from the C library's `rand()`, which the
    whole process shares. Its segmentations and similarities do the same work here; the grouping is ours, so
    that levels are known and any number of rankings costs one search. They follow from the image's id alone.
    """

    def __init__(self, settings: SelectiveSearchSettings) -> None:
        self._settings = settings

    def __call__(self, image_id: int, image: Pixels) -> Proposed:
        regions = self.regions(image)
        rng = np.random.default_rng((STREAM, image_id))
        drawn = rng.random((self._settings.rankings, len(regions.levels)))  # fewer rankings are a prefix
        boxes, orders = ranked(regions, drawn)
        if self._settings.size:
            height, width = image.shape[:2]
            boxes *= np.array([width, height, width, height], np.float32) / self._settings.size
        return Proposed(boxes, np.zeros(len(boxes), np.float32), "found", orders)

    def regions(self, image: Pixels) -> Regions:
        """Of all segmentations and similarities, boxes in pixels of the size that is looked at."""
        import cv2

        side, mode = self._settings.size, self._settings.mode
        looked = image if self._settings.colours == "rgb" else image[..., ::-1]
        if side:
            looked = np.asarray(cv2.resize(np.ascontiguousarray(looked), (side, side)), np.uint8)  # bilinear
        similarities = _similarities(mode)  # new ones: they remember the last image
        found, number = [], 0
        for colours in _colour_spaces(np.ascontiguousarray(looked), mode):
            for threshold in THRESHOLDS[mode]:
                graph = cv2.ximgproc.segmentation.createGraphSegmentation(SIGMA_PX, threshold, LEAST_PX)
                segments = describe(np.asarray(graph.processImage(colours), np.int32))
                found += [group(similarity, colours, segments, number) for similarity in similarities]
                number += 1
        boxes, levels = (np.concatenate(part) for part in zip(*found, strict=True))
        return Regions(boxes, levels)


def ranked(regions: Regions, drawn: npt.NDArray[np.float64]) -> tuple[Floats, tuple[Orders, ...]]:
    """Each box once, (N, 4), as the first row of `drawn` (rankings, regions) in [0, 1) ranks them.

    A region ranks by what was drawn for it times its level, so early small regions tend to come first; a box
    ranks as the best of the regions that have it. Of each further ranking: the places, in the first, of its
    boxes.
    """
    boxes, which = np.unique(regions.boxes_xyxy_px, axis=0, return_inverse=True)
    ranks = np.full((len(drawn), len(boxes)), np.inf)
    for rank, values in zip(ranks, drawn * regions.levels, strict=True):
        np.minimum.at(rank, which.ravel(), values)
    first, *others = ranks.argsort(axis=1, kind="stable")
    place = first.argsort()
    return boxes[first].astype(np.float32), tuple(place[other].astype(np.int32) for other in others)


def _colour_spaces(bgr: Pixels, mode: str) -> Iterator[Pixels]:
    """Named as OpenCV names the channels, whatever their true order is."""
    import cv2

    yield np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV), np.uint8)
    yield np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2Lab), np.uint8)
    if mode == "quality":
        gray = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
        yield gray
        yield np.ascontiguousarray(bgr[..., 0])
        yield np.stack([bgr[..., 2], bgr[..., 1], gray], axis=2)


def _similarities(mode: str) -> list[Similarity]:
    """Means of measures; both of `fast` share one measure of texture, whose histograms cost the most."""
    import cv2

    make: Any = cv2.ximgproc.segmentation
    mean, colour, texture, fill, size = (
        getattr(make, f"createSelectiveSearchSegmentationStrategy{what}")
        for what in ("Multiple", "Color", "Texture", "Fill", "Size")
    )
    shared = texture()
    both = [mean(colour(), fill(), shared, size()), mean(fill(), shared, size())]
    return both if mode == "fast" else [*both, fill(), size()]
