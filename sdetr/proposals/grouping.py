"""Hierarchical grouping (Uijlings et al., IJCV 2013): the most similar neighbours become one."""

import heapq
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from sdetr.data.images import Pixels

Ints = npt.NDArray[np.int32]
Box = tuple[int, int, int, int]


class Similarity(Protocol):
    """What OpenCV calls a strategy: how alike two segments are, merged ones included."""

    def setImage(self, image: Pixels, labels: Ints, sizes: Ints, number: int) -> None: ...  # noqa: N802
    def get(self, one: int, two: int) -> float: ...
    def merge(self, one: int, two: int) -> None: ...


class Segments(NamedTuple):
    """A partition of an image."""

    labels: Ints  # (H, W) in 0..N-1
    sizes: Ints  # (N, 1) pixels
    boxes: list[Box]  # xyxy px
    neighbours: list[tuple[int, int]]  # each pair once, the smaller label first


class Regions(NamedTuple):
    """Segments and what they were merged into, in the order of their making."""

    boxes_xyxy_px: Ints  # (N, 4)
    levels: Ints  # (N,) merges above a segment, which has 1


def describe(labels: Ints) -> Segments:
    """What grouping needs to know; pixels that touch at a side or along the main diagonal are neighbours."""
    count = int(labels.max()) + 1
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in find_objects(labels + 1)]
    sizes = np.bincount(labels.ravel(), minlength=count).astype(np.int32)[:, None]
    touching = [
        (labels[:, 1:], labels[:, :-1]),
        (labels[1:], labels[:-1]),
        (labels[1:, 1:], labels[:-1, :-1]),
    ]
    keys = [np.minimum(a, b)[a != b] * np.int64(count) + np.maximum(a, b)[a != b] for a, b in touching]
    pairs = np.divmod(np.unique(np.concatenate(keys)), count)
    return Segments(labels, sizes, boxes, list(zip(*(part.tolist() for part in pairs), strict=True)))


def group(similarity: Similarity, image: Pixels, segments: Segments, number: int) -> Regions:
    """All regions, from the segments to what covers all of them.

    `number` names the pair of image and segments: a similarity that was used before for the same number
    reuses what it knows of it.
    """
    sizes = segments.sizes.copy()
    similarity.setImage(image, segments.labels, sizes, number)
    boxes, levels = list(segments.boxes), [1] * len(segments.boxes)
    rows = list(range(len(boxes)))  # which segment's entry OpenCV keeps for a region
    near: list[set[int]] = [set() for _ in boxes]  # neighbours that are not merged yet
    queue = []
    for one, two in segments.neighbours:
        near[one].add(two)
        near[two].add(one)
        queue.append((-similarity.get(one, two), one, two))
    heapq.heapify(queue)
    while queue:
        _, one, two = heapq.heappop(queue)
        if two not in near[one]:
            continue  # one of them has been merged meanwhile
        new = len(boxes)
        boxes.append(_around(boxes[one], boxes[two]))
        levels.append(max(levels[one], levels[two]) + 1)
        a, b = rows[one], rows[two]
        rows.append(min(a, b))
        similarity.merge(a, b)
        sizes[a] = sizes[b] = sizes[a] + sizes[b]  # after the merge: OpenCV looks at this very array
        near.append((near[one] | near[two]) - {one, two})
        for other in near[new]:
            near[other] = near[other] - {one, two} | {new}
            heapq.heappush(queue, (-similarity.get(rows[new], rows[other]), other, new))
        near[one] = near[two] = set()
    return Regions(np.array(boxes, np.int32), np.array(levels, np.int32))


def _around(one: Box, two: Box) -> Box:
    return min(one[0], two[0]), min(one[1], two[1]), max(one[2], two[2]), max(one[3], two[3])
