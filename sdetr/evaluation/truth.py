"""What there is to be found, read from an index and checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdetr.evaluation.columns import Columns, columns
from sdetr.evaluation.settings import OBJECT


@dataclass(frozen=True)
class Truth:
    """Objects of I images; M annotations."""

    index: Path
    classes: tuple[str, ...]
    image_id: NDArray[np.int64]  # (I,), ascending
    size_px: NDArray[np.float64]  # (I, 2), width and height
    rank: NDArray[np.int64]  # (M,), the position of an annotation's image among them
    label: NDArray[np.int64]  # (M,)
    box_xywh_px: NDArray[np.float64]  # (M, 4)
    area: NDArray[np.float64]  # (M,)
    crowd: NDArray[np.bool_]  # (M,)
    difficult: NDArray[np.bool_]  # (M,)

    def ranks(self, image_id: ArrayLike, whose: str) -> NDArray[np.int64]:
        """(N,) image ids → (N,) their positions. Raises ValueError for one that is not there."""
        return _ranks(self.index, self.image_id, image_id, whose)


def truth_and_found(
    index: Path, predictions: Mapping[str, Any], any_class: bool = False
) -> tuple[Truth, Columns]:
    """Raises ValueError when predictions and index do not belong together.

    `any_class`: classes are ignored, of objects and of answers.
    """
    truth, found = _read(index), columns(predictions)
    if any_class:
        truth = replace(truth, classes=(OBJECT,), label=np.zeros_like(truth.label))
        found = replace(found, classes=(OBJECT,), label=np.zeros_like(found.label))
    if found.classes != truth.classes:
        raise ValueError(
            f"{index} has the classes {list(truth.classes)}, the predictions {list(found.classes)}; "
            "predict with a detector of the index's classes"
        )
    return truth, found


def _read(index: Path) -> Truth:
    content = json.loads(index.read_bytes())
    categories = sorted(content["categories"], key=lambda category: category["id"])
    ids = [category["id"] for category in categories]
    if ids != list(range(len(ids))):
        raise ValueError(f"{index}: category ids are {ids}, expected 0, 1, …; prepare the data set again")
    images = content["images"]
    image_id, first, counts = np.unique(
        [image["id"] for image in images], return_index=True, return_counts=True
    )
    if np.any(counts > 1):
        twice = image_id[counts > 1][0]
        raise ValueError(f"{index}: two images have the id {twice}; prepare the data set again")
    rows = content["annotations"]
    return Truth(
        index=index,
        classes=tuple(category["name"] for category in categories),
        image_id=image_id.astype(np.int64),
        size_px=np.array([(images[n]["width"], images[n]["height"]) for n in first], np.float64).reshape(
            -1, 2
        ),
        rank=_ranks(index, image_id, [row["image_id"] for row in rows], "annotations"),
        label=np.array([row["category_id"] for row in rows], np.int64),
        box_xywh_px=np.array([row["bbox"] for row in rows], np.float64).reshape(-1, 4),
        area=np.array([row["area"] for row in rows], np.float64),
        crowd=np.array([row["iscrowd"] for row in rows], np.bool_),
        difficult=np.array([row.get("difficult", 0) for row in rows], np.bool_),
    )


def _ranks(index: Path, known: NDArray[np.int64], image_id: ArrayLike, whose: str) -> NDArray[np.int64]:
    wanted = np.asarray(image_id, np.int64)
    unknown = ~np.isin(wanted, known)
    if unknown.any():
        raise ValueError(
            f"{unknown.sum()} of {wanted.size} {whose} name an image that {index} does not have, "
            f"first id {wanted[unknown][0]}; expected ids of its {known.size} images"
        )
    return np.searchsorted(known, wanted).astype(np.int64)
