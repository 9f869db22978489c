"""Panoptic quality (arXiv:1801.00868 §4): found segments against true ones, pixel by pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdetr.segments import VOID, Ids

Floats = NDArray[np.float64]
MATCHED = 0.5
"""More overlap than this is a match; at most one segment can have so much of another."""
PARTS = {"": (True, False), "-th": (True,), "-st": (False,)}
"""End of a metric's name → what is averaged over: all classes, things, stuff."""


@dataclass(frozen=True)
class Segments:
    """What an image is cut into; S segments."""

    ids: Ids  # (H, W), VOID or one of `id`
    id: NDArray[np.int64]  # (S,)
    label: NDArray[np.int64]  # (S,)
    crowd: NDArray[np.bool_]  # (S,), never among what is found


def tally(truth: Segments, found: Segments, classes: int, where: str) -> Floats:
    """(C, 4) of an image: sum of overlaps of matched segments, how many are matched, invented, missed.

    A match has one label and no crowd. What nobody labelled is in no union, and what lies in it for the most
    part, or in crowds of its own class, is not invented; a crowd is not missed.
    Raises ValueError, beginning with `where`, for a pixel of an unknown segment and a segment found nowhere.
    """
    shared = _shared(truth, found, where)  # (S + 1, K + 1) pixels, void last
    size, void = shared.sum(axis=0)[:-1], shared[-1, :-1]  # (K,)
    if not size.all():
        raise ValueError(f"{where}: segment {found.id[size == 0][0]} was found, but has no pixel")
    both = shared[:-1, :-1]
    union = shared.sum(axis=1)[:-1, None] + size - both - void
    overlap = np.divide(both, union, out=np.zeros(both.shape), where=union > 0)
    alike = truth.label[:, None] == found.label
    hit = alike & ~truth.crowd[:, None] & (overlap > MATCHED)  # (S, K)
    excused = void + np.where(alike & truth.crowd[:, None], both, 0).sum(axis=0)
    invented = ~hit.any(axis=0) & (excused <= MATCHED * size)
    missed = ~hit.any(axis=1) & ~truth.crowd
    columns = (
        (found.label, np.where(hit, overlap, 0).sum(axis=0)),
        (found.label, hit.any(axis=0)),
        (found.label, invented),
        (truth.label, missed),
    )
    counts = [np.bincount(label, value, classes) for label, value in columns]
    return np.stack(counts, axis=1).astype(np.float64)  # of none at all, NumPy counts in whole numbers


def qualities(tallies: Floats, things: NDArray[np.bool_]) -> dict[str, Floats]:
    """(..., C, 4) sums over images, (C,) → PQ SQ RQ, of all, `-th` and `-st`, (...) each, percent.

    Means over the classes that are there, true or found; NaN where none is.
    """
    overlap, hit, invented, missed = np.moveaxis(tallies, -1, 0)
    there = hit + invented + missed > 0  # (..., C)
    whole = np.where(there, hit + (invented + missed) / 2, 1)
    recognised = hit / whole
    segmented = np.divide(overlap, hit, out=np.zeros_like(overlap), where=hit > 0)
    named = {"PQ": overlap / whole, "SQ": segmented, "RQ": recognised}
    found = {}
    for part, kinds in PARTS.items():
        mine = there & np.isin(things, kinds)
        count = mine.sum(axis=-1)
        for name, values in named.items():
            total = np.where(mine, values, 0).sum(axis=-1)
            mean: Floats = np.divide(100 * total, count, out=np.full(total.shape, np.nan), where=count > 0)
            found[f"{name}{part}"] = mean
    return found


def _shared(truth: Segments, found: Segments, where: str) -> NDArray[np.int64]:
    """(S + 1, K + 1): pixels of each pair of a true and a found segment, those of none last."""
    if truth.ids.shape != found.ids.shape:
        raise ValueError(f"{where}: segments of {found.ids.shape} pixels, expected {truth.ids.shape}")
    rows = _places(truth, f"{where}, true segments")
    columns = _places(found, f"{where}, found segments")
    shape = truth.id.size + 1, found.id.size + 1
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def _places(segments: Segments, where: str) -> NDArray[np.int64]:
    """(H · W,): the position of each pixel's segment; S where it has none."""
    numbers, place = np.unique(segments.ids, return_inverse=True)
    known = {number: n for n, number in enumerate(segments.id.tolist())} | {VOID: segments.id.size}
    if unknown := [number for number in numbers.tolist() if number not in known]:
        raise ValueError(f"{where}: a pixel belongs to segment {unknown[0]}, which is not listed")
    return np.array([known[number] for number in numbers.tolist()], np.int64)[place.ravel()]
