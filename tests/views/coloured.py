"""Images of rectangles whose colour is their class, so that a crop says what it is of."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}
SIZE = (40, 56)

Box = tuple[int, int, int, int]
Objects = list[tuple[int, Box, str]]
"""Label, xywh in pixels, and what is special: `crowd`, `difficult`, or nothing."""

SCENES: dict[int, Objects] = {
    11: [(0, (2, 3, 12, 9), ""), (1, (20, 4, 9, 15), ""), (0, (34, 20, 14, 12), "")],
    23: [(1, (5, 5, 20, 8), ""), (2, (30, 18, 10, 10), "difficult")],
    35: [(2, (8, 9, 30, 20), "")],
    47: [(0, (1, 1, 10, 30), ""), (2, (20, 2, 25, 30), "crowd")],
    59: [],
}
"""Image id → what is on it."""


def write_coloured(path: Path, scenes: dict[int, Objects] = SCENES) -> Path:
    """The index, beside its images."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = SIZE
    for image_id, objects in scenes.items():
        picture = Image.new("RGB", (width, height), "gray")
        for label, (x, y, w, h), special in objects:
            ImageDraw.Draw(picture).rectangle([x, y, x + w - 1, y + h - 1], fill=list(COLOURS)[label])
            marks = {"iscrowd": int(special == "crowd"), "difficult": int(special == "difficult")}
            box = {"bbox": [x, y, w, h], "area": w * h, "category_id": label}
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, **box, **marks})
        picture.save(path.parent / f"{image_id}.png")
        images.append({"id": image_id, "file_name": f"{image_id}.png", "height": height, "width": width})
    categories = [{"id": n, "name": name} for n, name in enumerate(COLOURS)]
    info = {"dataset": "coloured", "root": ".", "funnel": {}}
    whole = {"info": info, "images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(whole))
    return path


def class_of(crop: Tensor) -> int | None:
    """(3, s, s) bytes → the label whose colour all of it has, if one is that of all."""
    pixels = np.unique(crop.flatten(1).T.numpy(), axis=0).tolist()
    known = [list(colour) for colour in COLOURS.values()]
    return known.index(pixels[0]) if len(pixels) == 1 and pixels[0] in known else None
