from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sdetr.data.dataset import Dataset
from sdetr.training.marks import COLOURS
from sdetr.training.pictures import draw_answers


def answers(image_id: int, score: list[float]) -> dict[str, Any]:
    count = len(score)
    boxes = np.array([[4.0 + i, 4.0 + i, 9.0, 9.0] for i in range(count)])
    return {"image_id": [image_id] * count, "label": list(range(count)), "box_xywh_px": boxes, "score": score}


def colours(path: Path) -> set[str]:
    with Image.open(path) as picture:
        found = picture.convert("RGB").getcolors(2**20) or []
    return {"#" + bytes(colour).hex() for _, colour in found if isinstance(colour, tuple)}


def test_detreg_t23_confident_answers_are_drawn_or_else_the_best_three(
    rectangles: Path, tmp_path: Path
) -> None:
    dataset = Dataset(rectangles / "raw/rectangles/test.json")
    dataset.classes = list("abcdef")
    for score, shown in (([0.9, 0.1, 0.5, 0.2], {0, 2}), ([0.1, 0.2, 0.05, 0.15], {0, 1, 3})):
        path = tmp_path / "picture.png"
        draw_answers(dataset, answers(dataset.ids[0], score), path)
        drawn = {i for i in range(4) if COLOURS[i] in colours(path)}
        assert drawn == shown


def test_true_boxes_are_white(rectangles: Path, tmp_path: Path) -> None:
    dataset = Dataset(rectangles / "raw/rectangles/test.json")
    draw_answers(dataset, answers(-1, [0.9]), tmp_path / "picture.png")
    assert "#ffffff" in colours(tmp_path / "picture.png")
