"""Which answers count, and how: all that average precision asks, image by image.

COCO's rule (arXiv:1405.0312), the same as `curves` applies; here every answer keeps the name of its image,
so that images can be counted otherwise than once (`resampling`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.columns import Columns
from sdetr.evaluation.pairs import pairs
from sdetr.evaluation.truth import Truth

OVERLAPS = np.linspace(0.5, 0.95, 10)
AREAS = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]])  # all, small, medium, large; px²
KEPT = 100
"""Answers per image and class, the best."""


@dataclass(frozen=True)
class Matches:
    """N answers, ordered by class, then best first, and M objects; A areas and T overlaps."""

    images: int
    image: NDArray[np.int64]  # (N,), positions
    label: NDArray[np.int64]  # (N,), ascending
    place: NDArray[np.int64]  # (N,), among the answers of its image and class, best first, from 0
    inside: NDArray[np.bool_]  # (A, N): a mistake, where it hits nothing
    hit: NDArray[np.bool_]  # (A, T, N): found an object that counts
    ignored: NDArray[np.bool_]  # (A, T, N): neither that nor a mistake, whatever `inside` says
    object_image: NDArray[np.int64]  # (M,)
    object_label: NDArray[np.int64]  # (M,)
    counted: NDArray[np.bool_]  # (A, M): somebody has to find it


def match(truth: Truth, found: Columns) -> Matches:
    """Of the answers of an image and class, best first, each takes the object that it overlaps most.

    What is taken is gone, but for crowds; an object that does not count is taken only if no other is left.
    """
    image = truth.ranks(found.image_id, "detections")
    order = np.lexsort((image, -found.score, found.label))
    place = _place(found.label[order] * truth.image_id.size + image[order])
    order, place = order[place < KEPT], place[place < KEPT]
    image, label, box = image[order], found.label[order], found.box_xywh_px[order]
    counted = ~truth.crowd & _within(truth.area)
    taken = _taken(truth, counted, image, label, place, box)  # (A, T, N)
    counts = np.pad(counted, [(0, 0), (0, 1)])  # taking nothing, -1, is no hit
    hit = np.take_along_axis(counts, taken.reshape(len(AREAS), -1), axis=1).reshape(taken.shape)
    return Matches(
        images=truth.image_id.size,
        image=image,
        label=label,
        place=place,
        inside=_within(box[:, 2] * box[:, 3]),
        hit=hit,
        ignored=(taken >= 0) & ~hit,
        object_image=truth.rank,
        object_label=truth.label,
        counted=counted,
    )


def _within(area: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) px² → (A, N)."""
    return (area >= AREAS[:, :1]) & (area <= AREAS[:, 1:])


def _place(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of the same group stand before each."""
    order = np.argsort(group, kind="stable")
    new = np.diff(group[order], prepend=-1) != 0
    first = np.maximum.accumulate(np.where(new, np.arange(group.size), 0))
    place = np.empty_like(group)
    place[order] = np.arange(group.size) - first
    return place


def _taken(
    truth: Truth,
    counted: NDArray[np.bool_],
    image: NDArray[np.int64],
    label: NDArray[np.int64],
    place: NDArray[np.int64],
    box: NDArray[np.float64],
) -> NDArray[np.int64]:
    """(A, T, N), the object that an answer takes, or -1; all images and classes at once, place by place."""
    answer, candidate, overlap = _near(truth, image, label, box)
    # Pairs by how much they overlap, of equal ones the later object last, as COCO takes them.
    strength = np.empty(answer.size, np.int64)
    strength[by_strength := np.lexsort((candidate, overlap))] = np.arange(answer.size)
    taken = np.full((len(AREAS), OVERLAPS.size, image.size), -1)
    free = np.ones((len(AREAS), OVERLAPS.size, truth.rank.size), bool)
    enough = overlap >= np.minimum(OVERLAPS, 1 - 1e-10)[:, None]  # (T, P)
    for rows in _by_place(place[answer]):
        those, objects = answer[rows], candidate[rows]
        first = np.flatnonzero(np.diff(those, prepend=-1))
        # What counts before what does not, then what overlaps more.
        wish = strength[rows] + answer.size * counted[:, None, objects]
        wish = np.where(enough[:, rows] & free[:, :, objects], wish, -1)
        best = np.maximum.reduceat(wish, first, axis=2)
        chosen = candidate[by_strength[best % answer.size]]
        taken[:, :, those[first]] = np.where(best >= 0, chosen, -1)
        area, least, n = (best >= 0).nonzero()
        free[area, least, chosen[area, least, n]] = truth.crowd[chosen[area, least, n]]
    return taken


def _near(
    truth: Truth, image: NDArray[np.int64], label: NDArray[np.int64], box: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Answers and objects of one image and class that overlap by the least that counts, answer by answer."""
    answer, candidate = pairs(truth, image, label)
    overlap = _overlap(box[answer], truth.box_xywh_px[candidate], truth.crowd[candidate])
    near = overlap >= OVERLAPS[0]
    return answer[near], candidate[near], overlap[near]


def _overlap(
    one: NDArray[np.float64], two: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(P, 4) and (P, 4) xywh → (P,) IoU; of a crowd, the part of the answer that lies in it."""
    side = np.minimum(one[:, :2] + one[:, 2:], two[:, :2] + two[:, 2:]) - np.maximum(one[:, :2], two[:, :2])
    both = np.where((side > 0).all(axis=1), side[:, 0] * side[:, 1], 0.0)
    area = one[:, 2] * one[:, 3]
    either = np.where(crowd, area, area + two[:, 2] * two[:, 3] - both)
    overlap: NDArray[np.float64] = np.divide(both, either, out=np.zeros_like(both), where=both > 0)
    return overlap


def _by_place(place: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Pairs of the best answers, then of the second, …; each in their order."""
    order = np.argsort(place, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(place[order])) + 1) if place.size else []
