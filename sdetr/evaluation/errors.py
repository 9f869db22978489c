"""Class and box error: how wrong the queries are that answer for objects (arXiv:2106.04550, Table 5)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.matched import PairColumns, pair_columns
from sdetr.evaluation.truth import Truth, truth_and_found


def errors(index: Path, predictions: Mapping[str, Any]) -> dict[str, float]:
    """Over all images together; an error that nothing can be said about is absent.

    `class-error`: percent of the matched queries whose loudest class is not their object's. `box-error`: sum
    of |Δ| of centre and size, fractions of the image, over the pairs, divided by the objects but crowds.
    Raises ValueError when predictions do not fit the index, or have no `matched`.
    """
    truth, found = truth_and_found(index, predictions)
    pairs = pair_columns(predictions, len(found.classes))
    row = _rows(truth, pairs)
    objects = int((~truth.crowd).sum())
    values = {}
    if row.size:
        values["class-error"] = 100 * float(np.mean(pairs.label != truth.label[row]))
    if objects:
        values["box-error"] = float(np.abs(pairs.box_cxcywh - _cxcywh(truth, row)).sum()) / objects
    return values


def _rows(truth: Truth, pairs: PairColumns) -> NDArray[np.int64]:
    """(P,) rows of the annotations that pairs are about. Raises ValueError for one that is not there."""
    one = np.flatnonzero(~truth.crowd)
    one = one[np.argsort(truth.rank[one], kind="stable")]
    rank = truth.ranks(pairs.image_id, "matched queries")
    first, end = (np.searchsorted(truth.rank[one], rank, side) for side in ("left", "right"))
    missing = np.logical_or(pairs.object < 0, first + pairs.object >= end)
    if missing.any():
        image, number = pairs.image_id[missing][0], pairs.object[missing][0]
        raise ValueError(
            f"matched: object {number} of image {image}, but {truth.index} has "
            f"{(end - first)[missing][0]} there that are no crowd; predict again"
        )
    row: NDArray[np.int64] = one[first + pairs.object]
    if np.unique(row).size < row.size:
        raise ValueError(f"matched: an object of {truth.index} has two queries, expected one; predict again")
    return row


def _cxcywh(truth: Truth, row: NDArray[np.int64]) -> NDArray[np.float64]:
    """(P, 4), fractions of the image."""
    corner, size = truth.box_xywh_px[row, :2], truth.box_xywh_px[row, 2:]
    whole = truth.size_px[truth.rank[row]]
    return np.hstack([(corner + size / 2) / whole, size / whole])
