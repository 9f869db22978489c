"""How many objects the first proposals of an image cover, and how well."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sdetr.data.index import Index
from sdetr.proposals.proposed import Floats
from sdetr.proposals.store import Proposals

Doubles = npt.NDArray[np.float64]


class Coverage(NamedTuple):
    """Of each object, in any order."""

    first: Doubles  # (N,) rank of the first box that overlaps it enough, from 0; infinite where none does
    best: Doubles  # (N,) IoU of the box that overlaps it most, 0 where there is no box

    def recall(self, most: int) -> float:
        """Share of the objects that the first `most` proposals find."""
        return float((self.first < most).mean())

    def best_overlap(self) -> float:
        """Mean over the objects, whatever their class: ABO."""
        return float(self.best.mean())


def recall(
    proposals: Proposals, index: Index, at: tuple[int, ...] = (9, 64), iou: float = 0.5
) -> dict[int, float]:
    """First k proposals → share of all objects, crowds aside, that one of them overlaps by `iou` or more.

    Raises ValueError if the index has no object.
    """
    objects = objects_of(index)
    if not objects:
        raise ValueError(f"data set {index.dataset} has no objects; recall needs some")
    covered = coverage(proposals.of, objects, iou)
    return {most: covered.recall(most) for most in at}


def objects_of(index: Index) -> dict[int, Doubles]:
    """Image id → its objects, crowds aside, (N, 4) xyxy px; images without any are not there."""
    objects: dict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
    for row in index.annotations:
        if not row.crowd:
            x, y, width, height = row.box_xywh_px
            objects[row.image_id].append((x, y, x + width, y + height))
    return {image_id: np.array(boxes) for image_id, boxes in objects.items()}


def coverage(boxes_of: Callable[[int], Floats], objects: Mapping[int, Doubles], iou: float = 0.5) -> Coverage:
    """By the boxes (N, 4) xyxy px of each image, best first. At least one object."""
    parts = []
    for image_id, targets in objects.items():
        overlap = _iou(targets, boxes_of(image_id))
        ranks = np.where(overlap >= iou, np.arange(overlap.shape[1]), np.inf)
        parts.append((ranks.min(axis=1, initial=np.inf), overlap.max(axis=1, initial=0)))
    return Coverage(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _iou(objects: Doubles, boxes: Floats) -> Doubles:
    """(objects, boxes); 0 for boxes without area."""
    low = np.maximum(objects[:, None, :2], boxes[None, :, :2])
    high = np.minimum(objects[:, None, 2:], boxes[None, :, 2:])
    overlap = (high - low).clip(0).prod(axis=2)
    union = _area(objects)[:, None] + _area(boxes)[None] - overlap
    iou: Doubles = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return iou


def _area(boxes_xyxy: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    area: npt.NDArray[np.floating] = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(axis=1)
    return area
