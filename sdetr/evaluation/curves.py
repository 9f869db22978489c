"""Precision and recall of boxes as COCO defines them (arXiv:1405.0312), bit by bit those of pycocotools."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.columns import Columns
from sdetr.evaluation.truth import Truth, truth_and_found


@dataclass(frozen=True)
class Curves:
    """Values per IoU 0.50:0.05:0.95, class, area (all, small, medium, large) and answers kept (1, 10, 100).

    -1 where a class has no object of that area.
    """

    classes: tuple[str, ...]
    precision: NDArray[np.float64]  # (10, 101 recalls, C, 4, 3)
    recall: NDArray[np.float64]  # (10, C, 4, 3)
    images: int
    objects: int  # crowds are not counted: nobody has to find them
    detections: int

    def over(self, classes: Sequence[str]) -> "Curves":
        """Of some classes alone, as pycocotools' `catIds` has it; what is counted stays that of all.

        Raises ValueError for one that is not there.
        """
        labels = positions(self.classes, classes)
        precision, recall = self.precision[:, :, labels], self.recall[:, labels]
        return replace(self, classes=tuple(classes), precision=precision, recall=recall)


def positions(known: Sequence[str], classes: Sequence[str]) -> list[int]:
    """Labels of classes. Raises ValueError for one that is not known."""
    if unknown := [name for name in classes if name not in known]:
        raise ValueError(f"novel: class {unknown[0]!r}, but the test set has {', '.join(known)}")
    return [known.index(name) for name in classes]


def curves(index: Path, predictions: Mapping[str, Any], any_class: bool = False) -> Curves:
    """Raises ValueError when predictions and index do not belong together. `difficult` changes nothing.

    `any_class`: classes are ignored, of objects and of answers, as pycocotools' `useCats = 0` has it.
    """
    return curves_of(*truth_and_found(index, predictions, any_class))


def curves_of(truth: Truth, found: Columns) -> Curves:
    """The same of what was read already."""
    precision, recall = _match(truth, found)
    return Curves(
        classes=truth.classes,
        precision=precision,
        recall=recall,
        images=truth.image_id.size,
        objects=int((~truth.crowd).sum()),
        detections=found.score.size,
    )


def _match(truth: Truth, found: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Images are renumbered by rank, annotations from 1: ids may be huge, and id 0 means "not matched"."""
    from hotcoco import COCO, COCOeval  # compiled, about 50 times as fast as pycocotools

    true = COCO.from_arrays(
        [{"id": n, "file_name": "", "height": 1, "width": 1} for n in range(truth.image_id.size)],
        [{"id": n, "name": name} for n, name in enumerate(truth.classes)],
        truth.rank,
        truth.label,
        truth.box_xywh_px,
        ids=np.arange(1, truth.rank.size + 1),
        area=truth.area,
        iscrowd=truth.crowd.astype(np.int64),
    )
    rank = truth.ranks(found.image_id, "detections")
    rows = np.column_stack([rank, found.box_xywh_px, found.score, found.label])  # (N, 7)
    evaluation = COCOeval(true, true.load_res(rows), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    arrays = evaluation.eval
    assert arrays is not None, "accumulate() fills it"
    return np.asarray(arrays["precision"]), np.asarray(arrays["recall"])
