"""A look at what a detector says: a few test images, true boxes in white, answers in colour."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sdetr.data.dataset import Dataset, Sample
from sdetr.files import written_whole

COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7")  # for colour-blind eyes, too
TILE_PX = 320
CONFIDENT = 0.3
AT_LEAST = 3


def draw_answers(
    dataset: Dataset, predictions: dict[str, Any], path: Path, columns: int = 3, rows: int = 2
) -> None:
    """One PNG of images spread evenly over the set; answers above .3, or else the best three."""
    count = min(columns * rows, len(dataset))
    chosen = [round(i * (len(dataset) - 1) / max(count - 1, 1)) for i in range(count)]
    sheet = Image.new("RGB", (columns * TILE_PX, -(-count // columns) * TILE_PX), "#222222")
    for place, i in enumerate(chosen):
        tile = _tile(dataset[i], dataset.classes, predictions)
        sheet.paste(tile, (place % columns * TILE_PX, place // columns * TILE_PX))
    with written_whole(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def _tile(sample: Sample, classes: list[str], predictions: dict[str, Any]) -> Image.Image:
    image = Image.fromarray(sample.image.permute(1, 2, 0).numpy())
    scale = TILE_PX / max(image.size)
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    pen = ImageDraw.Draw(image)
    for box in sample.boxes_xyxy_px.tolist():
        pen.rectangle([value * scale for value in box], outline="white")
    here = np.asarray(predictions["image_id"]) == sample.image_id
    for row in _worth_showing(here, np.asarray(predictions["score"])):
        x, y, width, height = (float(value) * scale for value in predictions["box_xywh_px"][row])
        label, score = int(predictions["label"][row]), float(predictions["score"][row])
        colour = COLOURS[label % len(COLOURS)]
        pen.rectangle([x, y, x + width, y + height], outline=colour, width=2)
        pen.text((x + 3, y + 2), f"{classes[label]} {score:.2f}", fill=colour)
    return image


def _worth_showing(here: NDArray[np.bool_], score: NDArray[np.floating[Any]]) -> list[int]:
    """Rows of one image, best first."""
    rows = np.flatnonzero(here)
    rows = rows[np.argsort(-score[rows], kind="stable")]
    confident = int((score[rows] > CONFIDENT).sum())
    return [int(row) for row in rows[: confident or AT_LEAST]]
