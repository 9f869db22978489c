"""A look at proposals: images below each other, a column per proposer."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sdetr.data.index import ImageRow, Index
from sdetr.files import written_whole
from sdetr.proposals.proposed import Floats
from sdetr.proposals.recall import Doubles

SHOWN = 4
"""Images of a picture."""
FIRST = 10
"""Boxes drawn of an image."""
TILE_PX = 320
TITLE_PX = 24
GAP_PX = 4


def draw_gallery(
    path: Path,
    title: str,
    index: Index,
    images: Sequence[ImageRow],
    columns: Mapping[str, Mapping[int, Floats]],
    objects: Mapping[int, Doubles],
) -> None:
    """One PNG: the first boxes of each column in the colours of the rainbow, the best red; objects in white.

    The title stands above. `columns` are boxes by image id, (N, 4) xyxy px; shown are the first images that
    have boxes in all.
    """
    shown = [row for row in images if all(row.id in boxes for boxes in columns.values())][:SHOWN]
    tiles = []
    for row in shown:
        picture = Image.fromarray(index.pixels(row))
        tiles.append([_tile(picture, c[row.id][:FIRST], objects.get(row.id)) for c in columns.values()])
    height = 2 * TITLE_PX + sum(row[0].height + GAP_PX for row in tiles)
    sheet = Image.new("RGB", (len(columns) * (TILE_PX + GAP_PX), height), "#222222")
    pen = ImageDraw.Draw(sheet)
    pen.text((6, 5), title, fill="white", font_size=12)
    for x, name in enumerate(columns):
        pen.text((x * (TILE_PX + GAP_PX) + 6, TITLE_PX + 5), name, fill="white", font_size=14)
    y = 2 * TITLE_PX
    for line in tiles:
        for x, tile in enumerate(line):
            sheet.paste(tile, (x * (TILE_PX + GAP_PX), y))
        y += line[0].height + GAP_PX
    with written_whole(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)


def _tile(picture: Image.Image, boxes: Floats, objects: Doubles | None) -> Image.Image:
    scale = TILE_PX / max(picture.size)
    tile = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    pen = ImageDraw.Draw(tile)
    if objects is not None:
        for box in (np.asarray(objects) * scale).tolist():
            pen.rectangle(box, outline="white", width=2)
    for rank, box in reversed(list(enumerate((boxes * scale).tolist()))):
        pen.rectangle(box, outline=f"hsl({round(300 * rank / FIRST)}, 95%, 55%)", width=2)
    return tile
