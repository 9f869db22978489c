"""Precision and recall of boxes as COCO defines them (arXiv:1405.0312), bit by bit those of pycocotools."""

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


@dataclass(frozen=True)
class _Truth:
    index: Path
    classes: tuple[str, ...]
    image_id: NDArray[np.int64]  # (I,), ascending
    annotations: list[dict[str, Any]]


def curves(index: Path, predictions: Mapping[str, Any], any_class: bool = False) -> Curves:
    """Raises ValueError when predictions and index do not belong together. `difficult` changes nothing.

    `any_class`: classes are ignored, of objects and of answers, as pycocotools' `useCats = 0` has it.
    """
    truth, found = _read(index), columns(predictions)
    if any_class:
        truth, found = _of_one_class(truth, found)
    if found.classes != truth.classes:
        raise ValueError(
            f"{index} has the classes {list(truth.classes)}, the predictions {list(found.classes)}; "
            "predict with a detector of the index's classes"
        )
    precision, recall = _match(truth, found)
    crowds = sum(bool(annotation["iscrowd"]) for annotation in truth.annotations)
    return Curves(
        classes=truth.classes,
        precision=precision,
        recall=recall,
        images=truth.image_id.size,
        objects=len(truth.annotations) - crowds,
        detections=found.score.size,
    )


def _read(index: Path) -> _Truth:
    content = json.loads(index.read_bytes())
    categories = sorted(content["categories"], key=lambda category: category["id"])
    ids = [category["id"] for category in categories]
    if ids != list(range(len(ids))):
        raise ValueError(f"{index}: category ids are {ids}, expected 0, 1, …; prepare the data set again")
    image_id, counts = np.unique([image["id"] for image in content["images"]], return_counts=True)
    if np.any(counts > 1):
        twice = image_id[counts > 1][0]
        raise ValueError(f"{index}: two images have the id {twice}; prepare the data set again")
    names = tuple(category["name"] for category in categories)
    return _Truth(index, names, image_id.astype(np.int64), content["annotations"])


def _of_one_class(truth: _Truth, found: Columns) -> tuple[_Truth, Columns]:
    objects = [annotation | {"category_id": 0} for annotation in truth.annotations]
    return (
        replace(truth, classes=(OBJECT,), annotations=objects),
        replace(found, classes=(OBJECT,), label=np.zeros_like(found.label)),
    )


def _match(truth: _Truth, found: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Images are renumbered by rank, annotations from 1: ids may be huge, and id 0 means "not matched"."""
    from hotcoco import COCO, COCOeval  # compiled, about 50 times as fast as pycocotools

    annotations = truth.annotations
    true = COCO.from_arrays(
        [{"id": n, "file_name": "", "height": 1, "width": 1} for n in range(truth.image_id.size)],
        [{"id": n, "name": name} for n, name in enumerate(truth.classes)],
        _rank(truth, [annotation["image_id"] for annotation in annotations], "annotations"),
        np.array([annotation["category_id"] for annotation in annotations], np.int64),
        np.array([annotation["bbox"] for annotation in annotations], np.float64).reshape(-1, 4),
        ids=np.arange(1, len(annotations) + 1),
        area=np.array([annotation["area"] for annotation in annotations], np.float64),
        iscrowd=np.array([annotation["iscrowd"] for annotation in annotations], np.int64),
    )
    rank = _rank(truth, found.image_id, "detections")
    rows = np.column_stack([rank, found.box_xywh_px, found.score, found.label])  # (N, 7)
    evaluation = COCOeval(true, true.load_res(rows), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    arrays = evaluation.eval
    assert arrays is not None, "accumulate() fills it"
    return np.asarray(arrays["precision"]), np.asarray(arrays["recall"])


def _rank(truth: _Truth, image_id: ArrayLike, whose: str) -> NDArray[np.int64]:
    """(N,) image ids → (N,) their positions among the index's."""
    wanted = np.asarray(image_id, np.int64)
    unknown = ~np.isin(wanted, truth.image_id)
    if unknown.any():
        raise ValueError(
            f"{unknown.sum()} of {wanted.size} {whose} name an image that {truth.index} does not have, "
            f"first id {wanted[unknown][0]}; expected ids of its {truth.image_id.size} images"
        )
    return np.searchsorted(truth.image_id, wanted).astype(np.int64)
