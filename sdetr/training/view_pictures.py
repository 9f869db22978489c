"""A look at a pretraining: proposals, views with their regions, and what is found of them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.dataset import Dataset
from sdetr.data.normalise import normalise
from sdetr.files import written_whole
from sdetr.objectives.regions_found import Search
from sdetr.proposals.store import Proposals
from sdetr.training.marks import COLOURS
from sdetr.training.material import SHOWN
from sdetr.types import View

BEST = 10
"""Proposals drawn of an image."""
TILE_PX = 320


def draw_proposals(dataset: Dataset, path: Path, out: Path) -> None:
    """The best proposals of a few images, the very best brightest."""
    proposals = Proposals(path)
    tiles = []
    for i in range(min(SHOWN, len(dataset))):
        sample = dataset[i]
        tile, scale = _tile(sample.image)
        pen = ImageDraw.Draw(tile)
        boxes = proposals.of(sample.image_id)[:BEST]
        for rank, box in reversed(list(enumerate(boxes.tolist()))):
            pen.rectangle([value * scale for value in box], outline=COLOURS[rank % len(COLOURS)], width=2)
        tiles.append([tile])
    _save(tiles, out)


class Probe:
    """The same views, without colour augmentation, looked at again and again while one trains."""

    def __init__(self, views: list[View], folder: Path) -> None:
        """Draws the views of one batch with their regions at once."""
        self.views, self.folder = views, folder
        name = "pairs" if len(views) == 2 else "views"
        _save(_rows(views, [view.boxes for view in views]), folder / f"{name}.png")

    @torch.no_grad()
    def look(self, objective: Search, step: int) -> dict[str, float]:
        """Draws what is found after `step` steps beside what is wanted; returns the mean IoU, percent."""
        device = next(objective.parameters()).device
        found, iou = objective.found([normalise(view.to(device)) for view in self.views])
        boxes = [[one.cpu() for one in view] for view in found]
        rows = _rows(self.views, [view.boxes for view in self.views], boxes)
        _save(rows, self.folder / f"found-{step:07d}.png")
        return {"IoU": 100 * float(iou)}


def _rows(
    views: Sequence[View], wanted: Sequence[Sequence[Tensor]], found: Sequence[Sequence[Tensor]] | None = None
) -> list[list[Image.Image]]:
    """A row per image, its views side by side; regions in colours, where `found` is given thin and white."""
    rows = []
    for i in range(len(views[0].image_ids)):
        row = []
        for which, view in enumerate(views):
            height, width = (int((~view.padding[i]).any(axis).sum()) for axis in (1, 0))
            tile, scale = _tile(view.images[i, :, :height, :width])
            size = torch.tensor([width, height] * 2) * scale
            pen = ImageDraw.Draw(tile)
            for n, box in enumerate(cxcywh_to_xyxy(wanted[which][i]) * size):
                pen.rectangle(box.tolist(), outline="white" if found else COLOURS[n % len(COLOURS)])
            if found is not None:
                for n, box in enumerate(cxcywh_to_xyxy(found[which][i]) * size):
                    pen.rectangle(box.tolist(), outline=COLOURS[n % len(COLOURS)], width=2)
            row.append(tile)
        rows.append(row)
    return rows


def _tile(image: Tensor) -> tuple[Image.Image, float]:
    """(3, H, W) uint8 → a picture whose longer side is TILE_PX, and how much larger it is."""
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    scale = TILE_PX / max(picture.size)
    return picture.resize((round(picture.width * scale), round(picture.height * scale))), scale


def _save(rows: Sequence[Sequence[Image.Image]], path: Path) -> None:
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (columns * TILE_PX, len(rows) * TILE_PX), "#222222")
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            sheet.paste(tile, (x * TILE_PX, y * TILE_PX))
    with written_whole(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)
