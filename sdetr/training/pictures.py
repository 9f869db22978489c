"""A look at what a detector says: a few test images, true boxes in white, answers in colour."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw
from torch import Tensor

from sdetr.data.dataset import Dataset, Sample
from sdetr.evaluation.panoptic import Found
from sdetr.files import written_whole
from sdetr.training.marks import COLOURS, mark, worth_showing

TILE_PX = 320

Rows = NDArray[np.int64]


def draw_answers(
    dataset: Dataset, predictions: dict[str, Any], path: Path, columns: int = 3, rows: int = 2
) -> None:
    """One PNG of images spread evenly over the set; answers above .3, or else the best three."""
    _draw_some(dataset, path, columns, rows, lambda sample: _tile(sample, dataset.classes, predictions))


def draw_segments(
    dataset: Dataset, segments: Mapping[int, Found], path: Path, columns: int = 3, rows: int = 2
) -> None:
    """The same of the segments that images are cut into; where they are void nothing is drawn."""

    def tile(sample: Sample) -> Image.Image:
        return _segments_tile(sample, dataset.classes, segments[sample.image_id])

    _draw_some(dataset, path, columns, rows, tile)


def _draw_some(
    dataset: Dataset, path: Path, columns: int, rows: int, tile: Callable[[Sample], Image.Image]
) -> None:
    count = min(columns * rows, len(dataset))
    chosen = [round(i * (len(dataset) - 1) / max(count - 1, 1)) for i in range(count)]
    sheet = Image.new("RGB", (columns * TILE_PX, -(-count // columns) * TILE_PX), "#222222")
    for place, i in enumerate(chosen):
        sheet.paste(tile(dataset[i]), (place % columns * TILE_PX, place // columns * TILE_PX))
    with written_whole(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def _segments_tile(sample: Sample, classes: list[str], found: Found) -> Image.Image:
    """Every segment in the colour of its class, lighter than its outline, with its name in its middle."""
    pixels = sample.image.permute(1, 2, 0).numpy().astype(np.float32)
    mine = found.segments(pixels.shape[:2])
    for number, label in zip(mine.id, mine.label, strict=True):
        own = mine.ids == number
        inside = own & np.roll(own, 1, 0) & np.roll(own, -1, 0) & np.roll(own, 1, 1) & np.roll(own, -1, 1)
        colour = np.array(ImageColor.getrgb(COLOURS[label % len(COLOURS)]), np.float32)
        pixels[inside] = 0.5 * pixels[inside] + 0.5 * colour
        pixels[own & ~inside] = colour
    image = _fitted(Image.fromarray(pixels.astype(np.uint8)))
    pen, scale = ImageDraw.Draw(image), image.width / pixels.shape[1]
    for number, label in zip(mine.id, mine.label, strict=True):
        y, x = (float(np.median(places)) * scale for places in np.nonzero(mine.ids == number))
        pen.text((x, y), classes[label], fill="white", anchor="mm", stroke_width=2, stroke_fill="black")
    return image


def _fitted(image: Image.Image) -> Image.Image:
    """Its longer side as long as a tile."""
    scale = TILE_PX / max(image.size)
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))


def _tile(sample: Sample, classes: list[str], predictions: dict[str, Any]) -> Image.Image:
    mine = np.flatnonzero(np.asarray(predictions["image_id"]) == sample.image_id)
    return answers_on(sample.image, sample.boxes_xyxy_px, classes, predictions, mine)


def answers_on(
    pixels: Tensor, boxes_xyxy_px: Tensor, classes: list[str], predictions: dict[str, Any], mine: Rows
) -> Image.Image:
    """An image (3, H, W), its longer side `TILE_PX`, true boxes, and the answers that are in rows `mine`."""
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    scale, image = TILE_PX / max(image.size), _fitted(image)
    pen = ImageDraw.Draw(image)
    for box in boxes_xyxy_px.tolist():
        pen.rectangle([value * scale for value in box], outline="white")
    scores = np.asarray(predictions["score"])[mine].tolist()
    for place in worth_showing(scores):
        x, y, width, height = (float(value) * scale for value in predictions["box_xywh_px"][mine[place]])
        label = int(predictions["label"][mine[place]])
        mark(pen, [x, y, x + width, y + height], label, f"{classes[label]} {scores[place]:.2f}", TILE_PX)
    return image
