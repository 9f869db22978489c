"""What is drawn: fifty looks (a shape with a texture and a hue), and what stands behind them.

Ten classes are the VOC-like set, ten more make it the COCO-like one, and the other thirty are for the
backbone's folder: it knows every shape and every texture, but no class of the detection sets.
"""

from typing import NamedTuple

SHAPES = ("disc", "square", "triangle", "star", "ring", "cross", "crescent", "heart", "arrow", "bolt")
TEXTURES = ("striped", "dotted", "checkered", "marbled", "plain")


class Look(NamedTuple):
    """How a class looks; `hue` 0..1 is the centre that objects vary around."""

    shape: str
    texture: str
    hue: float

    @property
    def name(self) -> str:
        return f"{self.texture}-{self.shape}"


def _looks() -> tuple[list[Look], list[Look], list[Look]]:
    voc, extra, other = [], [], []
    for i, shape in enumerate(SHAPES):
        first = i % 4  # the VOC-like classes share four textures
        second = (first + 1 + i % 3) % 5
        rest = [t for t in range(5) if t not in (first, second)]
        voc.append(Look(shape, TEXTURES[first], i * 0.3 % 1))
        extra.append(Look(shape, TEXTURES[second], (i * 0.3 + 0.55) % 1))
        other += [Look(shape, TEXTURES[t], (i * 0.3 + 0.2 + k * 0.28) % 1) for k, t in enumerate(rest)]
    return voc, extra, other


_VOC, _EXTRA, _OTHER = _looks()
LOOKS = {look.name: look for look in _VOC + _EXTRA + _OTHER}
VOC_LIKE = tuple(look.name for look in _VOC)
COCO_LIKE = tuple(sorted(look.name for look in _VOC + _EXTRA))
SINGLE = tuple(sorted(look.name for look in _OTHER))

COCO_IDS = {name: 1 + i + i // 3 for i, name in enumerate(COCO_LIKE)}
"""With gaps, as in COCO: whoever takes an official id for a label finds out."""


class Stuff(NamedTuple):
    """A region of the background; its colours lie in ranges of hue, saturation and value."""

    name: str
    official_id: int
    upper: bool
    hue: tuple[float, float]
    saturation: tuple[float, float]
    value: tuple[float, float]
    grain: tuple[int, int]
    """(rows, columns) of its finest noise: many rows look like waves, many columns like planks or grass."""


STUFF = (
    Stuff("sky", 101, True, (0.54, 0.64), (0.15, 0.50), (0.65, 0.95), (4, 4)),
    Stuff("wall", 103, True, (0.02, 0.13), (0.10, 0.40), (0.45, 0.85), (3, 40)),
    Stuff("ground", 104, False, (0.05, 0.11), (0.25, 0.50), (0.25, 0.55), (40, 40)),
    Stuff("water", 107, False, (0.47, 0.60), (0.35, 0.70), (0.25, 0.60), (40, 5)),
    Stuff("grass", 110, False, (0.21, 0.34), (0.30, 0.60), (0.25, 0.60), (16, 64)),
)
