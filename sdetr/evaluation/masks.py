"""Average precision of masks (COCO, arXiv:1405.0312), of things alone: pycocotools counts it."""

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.panoptic_truth import PanopticTruth, panoptic_truth

MASK = "mask"
"""Column of predictions: COCO's compressed runs, of the size of their image."""


def as_runs(masks: NDArray[np.bool_]) -> list[str]:
    """(N, H, W) → N texts."""
    from pycocotools import mask

    columns = np.asfortranarray(masks.transpose(1, 2, 0), np.uint8)  # (H, W, N)
    return [runs["counts"].decode("ascii") for runs in mask.encode(columns)]


def mask_column(predictions: Mapping[str, Any], rows: int, where: str) -> list[str]:
    """Checked. Raises ValueError, beginning with `where`."""
    column = predictions[MASK]
    if len(column) != rows or not all(isinstance(runs, str) for runs in column):
        raise ValueError(f"{where}: {MASK} has {len(column)} rows, expected {rows} texts; predict again")
    return list(column)


def mask_ap(index: Path, predictions: Mapping[str, Any]) -> dict[str, float]:
    """AP-mask, percent: against the masks of COCO's file of things; absent where that has no object.

    Raises FileNotFoundError or ValueError when predictions, index and that file do not belong together.
    """
    truth = panoptic_truth(index)
    _refuse_unfit(truth, predictions)
    runs = mask_column(predictions, len(predictions["score"]), "predictions")
    instances = _instances(truth)
    if not any(not row["iscrowd"] for row in instances["annotations"]):
        return {}
    size = dict(zip(truth.image_id.tolist(), truth.size, strict=True))
    columns = (predictions[key] for key in ("image_id", "label", "score"))
    rows = [
        {
            "image_id": image_id,
            "category_id": label,
            "score": score,
            "segmentation": {"size": list(size[image_id]), "counts": own},
        }
        for image_id, label, score, own in zip(*columns, runs, strict=True)
        if truth.things[label]
    ]
    return {"AP-mask": 100 * _precision(instances, rows)} if rows else {"AP-mask": 0.0}


def _precision(instances: dict[str, Any], rows: list[dict[str, Any]]) -> float:
    """Mean over classes that have an object, and over IoU 0.50:0.05:0.95."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        true = COCO()
        true.dataset = instances
        true.createIndex()
        evaluation = COCOeval(true, true.loadRes(rows), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][..., 0, 2]
    return float(np.mean(precision[precision > -1]))


def _instances(truth: PanopticTruth) -> dict[str, Any]:
    """COCO's file with our labels, of the index's images, numbered from 1: 0 is never matched."""
    if truth.instances is None:
        raise ValueError(f"{truth.index} does not say where the masks of its things are; prepare it again")
    if not truth.instances.exists():
        raise FileNotFoundError(f"no masks of things {truth.instances}; is the data set complete?")
    content = json.loads(truth.instances.read_bytes())
    label = {name: n for n, name in enumerate(truth.classes) if truth.things[n]}
    named = {row["id"]: row["name"] for row in content["categories"]}
    if unknown := sorted(set(named.values()) - label.keys()):
        raise ValueError(
            f"{truth.instances} has the class {unknown[0]!r}, which is no thing of {truth.index}"
        )
    known = set(truth.image_id.tolist())
    rows = [row for row in content["annotations"] if row["image_id"] in known]
    return {
        "images": [
            {"id": image_id, "height": height, "width": width}
            for image_id, (height, width) in zip(truth.image_id.tolist(), truth.size, strict=True)
        ],
        "categories": [{"id": n, "name": name} for name, n in label.items()],
        "annotations": [
            row | {"id": number, "category_id": label[named[row["category_id"]]]}
            for number, row in enumerate(rows, 1)
        ],
    }


def _refuse_unfit(truth: PanopticTruth, predictions: Mapping[str, Any]) -> None:
    if MASK not in predictions:
        raise ValueError(f"predictions have no {MASK}; train masks, by a protocol of task panoptic_masks")
    if tuple(predictions["classes"]) != truth.classes:
        raise ValueError(
            f"predictions have other classes than {truth.index}; predict with a detector of these"
        )
    if other := set(_plain(predictions["image_id"])) - set(truth.image_id.tolist()):
        raise ValueError(f"predictions are about image {min(other)}, which {truth.index} does not have")


def _plain(values: Sequence[int]) -> list[int]:
    return [int(value) for value in values]
