"""How many objects the first proposals of an image cover."""

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from sdetr.data.index import Index
from sdetr.proposals.proposed import Floats
from sdetr.proposals.store import Proposals


def recall(
    proposals: Proposals, index: Index, at: tuple[int, ...] = (9, 64), iou: float = 0.5
) -> dict[int, float]:
    """First k proposals → share of all objects, crowds aside, that one of them overlaps by `iou` or more.

    Raises ValueError if the index has no object.
    """
    objects: dict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
    for row in index.annotations:
        if not row.crowd:
            x, y, width, height = row.box_xywh_px
            objects[row.image_id].append((x, y, x + width, y + height))
    if not objects:
        raise ValueError(f"data set {index.dataset} has no objects; recall needs some")
    first = np.concatenate([_first_hit(np.array(o), proposals.of(i), iou) for i, o in objects.items()])
    return {k: float((first < k).mean()) for k in at}


def _first_hit(objects: npt.NDArray[np.float64], boxes: Floats, iou: float) -> npt.NDArray[np.float64]:
    """Rank of the first box that overlaps each object enough, (N,); infinite where none does."""
    low = np.maximum(objects[:, None, :2], boxes[None, :, :2])
    high = np.minimum(objects[:, None, 2:], boxes[None, :, 2:])
    overlap = (high - low).clip(0).prod(axis=2)  # (N, boxes)
    union = _area(objects)[:, None] + _area(boxes)[None] - overlap
    ranks = np.where(overlap >= iou * union, np.arange(len(boxes)), np.inf)
    first: npt.NDArray[np.float64] = ranks.min(axis=1, initial=np.inf)
    return first


def _area(boxes_xyxy: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    area: npt.NDArray[np.floating] = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(axis=1)
    return area
