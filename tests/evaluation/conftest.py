"""Random scenes that are hard to score, and pycocotools as the judge."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Scene = tuple[dict[str, Any], dict[str, Any]]  # index, predictions


def random_scene(
    seed: int,
    images: int = 14,
    classes: int = 4,
    objects: int = 8,
    answers: int = 40,
    ties: bool = False,
    crowds: float = 0.0,
    empty: float = 0.3,
    unanswered: float = 0.3,
    sides: tuple[float, float] = (4.0, 250.0),
    whole: bool = False,
) -> Scene:
    """Objects at random; answers are jittered, exact or invented; rows and annotations are shuffled."""
    rng = np.random.default_rng(seed)

    def boxes(count: int) -> np.ndarray:
        corner, size = rng.uniform(0, 300, (count, 2)), np.exp(rng.uniform(*np.log(sides), (count, 2)))
        both = np.hstack([corner, size])  # (count, 4) xywh
        return both.round() if whole else both

    image_ids = rng.choice(10**6, images, replace=False).tolist()
    annotations: list[dict[str, Any]] = []
    rows: list[tuple[int, int, list[float], float]] = []
    for image in image_ids:
        there = boxes(0 if rng.random() < empty else int(rng.integers(1, objects + 1)))
        labels = rng.integers(0, classes, len(there))
        for box, label in zip(there, labels, strict=True):
            shared = {"iscrowd": int(rng.random() < crowds), "difficult": int(rng.random() < 0.2)}
            area = float(box[2] * box[3] * rng.choice([1, 0.7]))
            annotations.append(
                {"image_id": image, "category_id": int(label), "bbox": box.tolist(), "area": area} | shared
            )
        for _ in range(0 if rng.random() < unanswered else int(rng.integers(1, answers))):
            box, label = boxes(1)[0], int(rng.integers(classes))
            if len(there) and rng.random() < 0.7:
                near = int(rng.integers(len(there)))
                box = there[near] + rng.choice([0, 1]) * rng.normal(0, 6, 4)
                label = int(labels[near]) if rng.random() < 0.8 else label
            box[2:] = np.maximum(box[2:], 0)
            score = rng.random()
            rows.append((image, label, box.tolist(), round(score, 1) if ties else score))
    rng.shuffle(annotations)  # type: ignore[arg-type]
    rows = [rows[n] for n in rng.permutation(len(rows))]
    index = {
        "info": {"dataset": "scenes"},
        "images": [{"id": i, "file_name": f"{i}.jpg", "height": 400, "width": 400} for i in image_ids],
        "annotations": [{"id": n, **annotation} for n, annotation in enumerate(annotations, 1)],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(classes)],
    }
    columns = zip(*rows, strict=True) if rows else ([], [], [], [])
    names = ("image_id", "label", "box_xywh_px", "score")
    predictions = {"dataset": "scenes", "classes": [f"class {n}" for n in range(classes)]}
    return index, predictions | {name: list(column) for name, column in zip(names, columns, strict=True)}


def judge(
    index: dict[str, Any],
    predictions: dict[str, Any],
    use_classes: bool = True,
    labels: list[int] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """pycocotools' precision and recall arrays and its 12 numbers, of some labels or of all."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    names = ("image_id", "category_id", "bbox", "score")
    rows = zip(*(predictions[key] for key in ("image_id", "label", "box_xywh_px", "score")), strict=True)
    with contextlib.redirect_stdout(io.StringIO()):
        true = COCO()
        true.dataset = index
        true.createIndex()
        found = true.loadRes([dict(zip(names, row, strict=True)) for row in rows])
        evaluation = COCOeval(true, found, "bbox")
        evaluation.params.useCats = int(use_classes)
        if labels is not None:
            evaluation.params.catIds = labels
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.eval["precision"], evaluation.eval["recall"], evaluation.stats


@pytest.fixture
def make_scene() -> Callable[..., Scene]:
    return random_scene


@pytest.fixture
def pycocotools() -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return judge


@pytest.fixture
def write_index(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    def write(index: dict[str, Any]) -> Path:
        path = tmp_path / "index.json"
        path.write_text(json.dumps(index))
        return path

    return write
