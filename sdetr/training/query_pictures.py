"""A look at what a one-shot detector finds: test images, each with the crop that it was asked with."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sdetr.data.dataset import Dataset
from sdetr.files import written_whole
from sdetr.training.pictures import TILE_PX, answers_on
from sdetr.views.queries import QueryPool, Question

CROP_PX = TILE_PX // 4


def draw_asked(
    dataset: Dataset,
    pool: QueryPool,
    asked: list[list[Question]],
    predictions: dict[str, Any],
    path: Path,
    columns: int = 3,
    rows: int = 2,
) -> None:
    """One PNG: questions of the first pass, spread evenly over all, the crop in the upper right corner."""
    said = [(row, one) for row, those in enumerate(asked) for one in those if one.turn == 1]
    count = min(columns * rows, len(said))
    chosen = [said[round(i * (len(said) - 1) / max(count - 1, 1))] for i in range(count)]
    sheet = Image.new("RGB", (columns * TILE_PX, max(1, -(-count // columns)) * TILE_PX), "#222222")
    for place, (row, one) in enumerate(chosen):
        tile = _tile(dataset, pool, row, one, predictions)
        sheet.paste(tile, (place % columns * TILE_PX, place // columns * TILE_PX))
    with written_whole(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def _tile(
    dataset: Dataset, pool: QueryPool, row: int, asked: Question, predictions: dict[str, Any]
) -> Image.Image:
    """Of what was said there to this question; true boxes are those of its class."""
    sample = dataset[row]
    one = sample.labels == asked.label
    mine = np.flatnonzero(
        (np.asarray(predictions["image_id"]) == sample.image_id)
        & (np.asarray(predictions["label"]) == asked.label)
        & (np.asarray(predictions["pass"]) == asked.turn)
    )
    tile = Image.new("RGB", (TILE_PX, TILE_PX), "#222222")
    tile.paste(answers_on(sample.image, sample.boxes_xyxy_px[one], dataset.classes, predictions, mine))
    crop = Image.fromarray(pool.crop(asked.crop).permute(1, 2, 0).contiguous().numpy())
    framed = Image.new("RGB", (CROP_PX, CROP_PX), "white")
    framed.paste(crop.resize((CROP_PX - 4, CROP_PX - 4)), (2, 2))
    tile.paste(framed, (TILE_PX - CROP_PX, 0))
    return tile
