"""One-shot detection (UP-DETR, arXiv:2011.09094, §4.3): how well a class is found that a crop asks for.

An image is asked for each class that it shows, in several passes with another crop each. Every pass is an
evaluation of its own; the numbers are means over passes, and then over the classes that were seen in training
and over the unseen ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.columns import Columns
from sdetr.evaluation.curves import curves_of
from sdetr.evaluation.eleven_point import RECALLS as TENTHS
from sdetr.evaluation.eleven_point import eleven_point_matches, eleven_point_of_classes
from sdetr.evaluation.matches import match
from sdetr.evaluation.passes import pass_column
from sdetr.evaluation.resampling import RECALLS, Counts, Percents, resampled_of_classes
from sdetr.evaluation.truth import Truth, truth_and_found


def one_shot(
    index: Path, predictions: Mapping[str, Any], unseen: Iterable[str], eleven_point: bool = False
) -> dict[str, float]:
    """COCO's AP50 of each class that has an object, `AP50-<class>`, `AP50-seen` and `AP50-unseen`; percent.

    With `eleven_point` as Pascal VOC 2007 counted it, at IoU above .5, and names end in `-11`. Raises
    ValueError when predictions do not fit the index, or an unseen class is none.
    """
    truth, found = _read(index, predictions, unseen)
    of_passes = [_eleven(truth, one) if eleven_point else _coco(truth, one) for one in found]
    named = _named(truth, of_passes, unseen, "-11" if eleven_point else "")
    return {name: float(value) for name, value in named.items()}


def one_shot_resampled(
    index: Path, predictions: Mapping[str, Any], unseen: Iterable[str], counts: Counts, eleven_point: bool
) -> dict[str, Percents]:
    """The same on test sets drawn anew: (I, B) counts of images → (B,) each. A class that no drawn image has
    is left out of means, and is itself NaN.
    """
    truth, found = _read(index, predictions, unseen)
    of_passes = [resampled_of_classes(match(truth, one), counts, RECALLS) for one in found]
    numbers = _named(truth, of_passes, unseen, "")
    if eleven_point:
        by_image = [eleven_point_matches(truth, one) for one in found]
        of_passes = [resampled_of_classes(one, counts, TENTHS) for one in by_image]
        numbers |= _named(truth, of_passes, unseen, "-11")
    return numbers


def _read(index: Path, predictions: Mapping[str, Any], unseen: Iterable[str]) -> tuple[Truth, list[Columns]]:
    """Answers of each pass; of classes that their image does not show there are none left."""
    truth, found = truth_and_found(index, predictions)
    if unknown := sorted(set(unseen) - set(truth.classes)):
        raise ValueError(f"unseen names class {unknown[0]!r}, which {index} does not have")
    turn = pass_column(predictions, found)
    asked = _shown(truth, found)
    turns = np.unique(turn[asked]).tolist() or [1]
    return truth, [_rows(found, asked & (turn == one)) for one in turns]


def _shown(truth: Truth, found: Columns) -> NDArray[np.bool_]:
    """(N,): whether the image of an answer has an object of its class; crowds are none."""
    there = truth.rank[~truth.crowd] * len(truth.classes) + truth.label[~truth.crowd]
    return np.isin(truth.ranks(found.image_id, "detections") * len(truth.classes) + found.label, there)


def _rows(found: Columns, chosen: NDArray[np.bool_]) -> Columns:
    return replace(
        found,
        image_id=found.image_id[chosen],
        label=found.label[chosen],
        box_xywh_px=found.box_xywh_px[chosen],
        score=found.score[chosen],
    )


def _coco(truth: Truth, found: Columns) -> dict[int, float]:
    """Label → AP50 of answers of one pass."""
    precision = curves_of(truth, found).precision[0, :, :, 0, 2]  # (101, C); -1 where a class has no object
    return {label: float(row.mean()) for label, row in enumerate(precision.T) if row[0] > -1}


def _eleven(truth: Truth, found: Columns) -> dict[int, float]:
    return {label: values[0] for label, values in eleven_point_of_classes(truth, found).items()}


def _named(
    truth: Truth, of_passes: Sequence[Mapping[int, Any]], unseen: Iterable[str], end: str
) -> dict[str, Percents]:
    """Means over passes, then over classes, () or (B,); the means of all come first."""
    means = {
        truth.classes[label]: np.asarray(100 * np.mean([one[label] for one in of_passes], axis=0))
        for label in of_passes[0]
    }
    held_back = set(unseen)
    sides = {"seen": means.keys() - held_back, "unseen": means.keys() & held_back}
    over = {side: _mean(np.stack([means[name] for name in names])) for side, names in sides.items() if names}
    return {f"AP50-{name}{end}": values for name, values in (over | means).items()}


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C, …) → (…), of what is there; NaN where nothing is."""
    there = ~np.isnan(values)
    total, count = np.where(there, values, 0).sum(axis=0), there.sum(axis=0)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
    return mean
