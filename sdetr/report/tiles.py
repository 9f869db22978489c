"""What a picture of a figure is made of: tiles side by side, in lines."""

from dataclasses import dataclass

from sdetr.evaluation.looked import Array


@dataclass(frozen=True)
class Box:
    """xyxy in fractions of the tile's image; those of one `look` have one colour and one dash."""

    xyxy: Array
    look: int = 0
    words: str = ""


@dataclass(frozen=True)
class Tile:
    """An image with boxes; `light` (h, w) in 0..1 is how bright it is, `heat` stands in its place."""

    image: Array | None = None  # (h, w, 3) uint8
    boxes: tuple[Box, ...] = ()
    title: str = ""
    note: str = ""
    light: Array | None = None
    heat: Array | None = None
    points: Array | None = None  # (N, 4) cxcywh: of a tile that has no image


@dataclass(frozen=True)
class Strip:
    """Tiles side by side."""

    label: str
    tiles: tuple[Tile, ...]
