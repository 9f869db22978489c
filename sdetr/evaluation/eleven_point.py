"""Average precision as Pascal VOC 2007 counted it, at COCO's ten overlaps (DETReg, arXiv:2106.04550).

Unlike COCO's: precision at eleven recalls; difficult objects, and crowds, are neither found nor missed; an
answer is held against the object that it overlaps most, found already or not; an overlap has to be more
than the threshold.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.columns import Columns
from sdetr.evaluation.matches import Matches
from sdetr.evaluation.pairs import pairs
from sdetr.evaluation.truth import Truth, truth_and_found

OVERLAPS = np.arange(50, 100, 5) / 100
RECALLS = np.arange(11) / 10


def eleven_point(index: Path, predictions: Mapping[str, Any]) -> dict[str, float]:
    """AP, AP50 and AP75 in percent, means over the classes that have an object; none if no class has.

    VOC's corners are whole pixels, both inside a box; with `one_based` read as it says, sides are the same.
    Raises ValueError when predictions do not fit the index.
    """
    values = list(eleven_point_of_classes(*truth_and_found(index, predictions)).values())
    if not values:
        return {}
    means = 100 * np.mean(values, axis=0)  # (10,)
    return {"AP": float(means.mean()), "AP50": float(means[0]), "AP75": float(means[5])}


def eleven_point_of_classes(truth: Truth, found: Columns) -> dict[int, list[float]]:
    """Label of each class that has an object → AP at every overlap, in fractions of 1."""
    counted = _counted(truth)
    order = np.argsort(-found.score, kind="stable")
    nearest, overlap = _nearest(truth, found, order)
    values = {}
    for label in range(len(truth.classes)):
        objects = int(counted[truth.label == label].sum())
        of = found.label[order] == label
        if objects:
            hits = _hits(nearest[of], overlap[of], counted)
            values[label] = [_area(hit, miss, objects) for hit, miss in hits]
    return values


def eleven_point_matches(truth: Truth, found: Columns) -> Matches:
    """The same by image, so that images can be counted otherwise than once; areas make no difference."""
    counted = _counted(truth)
    order = np.lexsort((-found.score, found.label))
    nearest, overlap = _nearest(truth, found, order)
    label = found.label[order]
    hit, miss = np.zeros((2, 1, OVERLAPS.size, order.size), bool)
    for one in np.unique(label):
        of = label == one
        hit[0][:, of], miss[0][:, of] = zip(*_hits(nearest[of], overlap[of], counted), strict=True)
    return Matches(
        images=truth.image_id.size,
        image=truth.ranks(found.image_id, "detections")[order],
        label=label,
        place=np.zeros_like(label),
        inside=np.ones((1, order.size), bool),
        hit=hit,
        ignored=~(hit | miss),
        object_image=truth.rank,
        object_label=truth.label,
        counted=counted[None],
    )


def _counted(truth: Truth) -> NDArray[np.bool_]:
    """Objects that have to be found (M,)."""
    return ~(truth.difficult | truth.crowd)


def _nearest(
    truth: Truth, found: Columns, order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of answers in `order` (N,): the object of their image and class that they overlap most, and how much.

    -1 and 0 where there is none; of equal overlaps the first object's.
    """
    image = truth.ranks(found.image_id, "detections")[order]
    answer, candidate = pairs(truth, image, found.label[order])
    nearest, overlap = np.full(order.size, -1), np.zeros(order.size)
    if answer.size:
        starts = np.flatnonzero(np.diff(answer, prepend=-1))
        there = answer[starts]
        iou = _iou(found.box_xywh_px[order][answer], truth.box_xywh_px[candidate])
        overlap[there] = np.maximum.reduceat(iou, starts)
        best = np.where(iou == overlap[answer], np.arange(iou.size), iou.size)
        nearest[there] = candidate[np.minimum.reduceat(best, starts)]
    return nearest, overlap


def _iou(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, 4) and (P, 4) xywh → (P,); 0 where both have no area."""
    low = np.maximum(one[:, :2], two[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], two[:, :2] + two[:, 2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    either = one[:, 2:].prod(axis=1) + two[:, 2:].prod(axis=1) - both
    iou: NDArray[np.float64] = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return iou


def _hits(
    nearest: NDArray[np.int64], overlap: NDArray[np.float64], counted: NDArray[np.bool_]
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Per overlap, of a class's answers, best first: which hit an object first, and which hit nothing."""
    found = []
    for least in OVERLAPS:
        near = overlap > least
        ignored = near & ~counted[nearest]
        _, first = np.unique(np.where(near, nearest, -1), return_index=True)
        hit = np.zeros(nearest.size, bool)
        hit[first] = True
        hit &= near & ~ignored
        found.append((hit, ~hit & ~ignored))
    return found


def _area(hit: NDArray[np.bool_], miss: NDArray[np.bool_], objects: int) -> float:
    """Mean over eleven recalls of the best precision at that recall or a higher one."""
    hits, misses = hit.cumsum(), miss.cumsum()
    recall, precision = hits / objects, hits / np.maximum(hits + misses, 1)
    return float(np.mean([precision[recall >= least].max(initial=0.0) for least in RECALLS]))
