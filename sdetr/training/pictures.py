"""A look at what a detector says: a few test images, true boxes in white, answers in colour."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from sdetr.data.dataset import Dataset, Sample
from sdetr.files import written_whole
from sdetr.training.marks import mark, worth_showing

TILE_PX = 320

Rows = NDArray[np.int64]


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
    mine = np.flatnonzero(np.asarray(predictions["image_id"]) == sample.image_id)
    return answers_on(sample.image, sample.boxes_xyxy_px, classes, predictions, mine)


def answers_on(
    pixels: Tensor, boxes_xyxy_px: Tensor, classes: list[str], predictions: dict[str, Any], mine: Rows
) -> Image.Image:
    """An image (3, H, W), its longer side `TILE_PX`, true boxes, and the answers that are in rows `mine`."""
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    scale = TILE_PX / max(image.size)
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    pen = ImageDraw.Draw(image)
    for box in boxes_xyxy_px.tolist():
        pen.rectangle([value * scale for value in box], outline="white")
    scores = np.asarray(predictions["score"])[mine].tolist()
    for place in worth_showing(scores):
        x, y, width, height = (float(value) * scale for value in predictions["box_xywh_px"][mine[place]])
        label = int(predictions["label"][mine[place]])
        mark(pen, [x, y, x + width, y + height], label, f"{classes[label]} {scores[place]:.2f}", TILE_PX)
    return image
