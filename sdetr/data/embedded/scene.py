"""A scene: textured objects with soft shadows on textured ground, and what is known about them.

Everything about image i is drawn from (seed, split, i) alone, so a smaller set is the beginning of a larger
one, and the same scenes stand in all layouts.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from sdetr.data.embedded.classes import LOOKS, Look
from sdetr.data.embedded.layers import Mask, Placed, find_room, visible_shares, whole_mask
from sdetr.data.embedded.paint import Random, background
from sdetr.data.embedded.patches import draw_group, draw_one, random_corner
from sdetr.data.embedded.shapes import Floats
from sdetr.data.images import Pixels
from sdetr.data.settings import ObjectsSettings, ScenesSettings

Odd = Literal["gray", "turned", "crowd", "difficult"]
ODDITIES: tuple[Odd, ...] = ("gray", "turned", "crowd", "difficult")
SPLITS = {"train": 0, "val": 1}
SCENES, OBJECTS = 1, 2  # streams of random numbers


@dataclass(frozen=True)
class Thing:
    """One object, or a crowd of several that count as one."""

    name: str
    mask: Mask  # (H, W), what is visible
    share: float  # visible pixels over all its pixels
    crowd: bool
    difficult: bool

    @property
    def box_xyxy_px(self) -> tuple[int, int, int, int]:
        """Around what is visible; the last pixel ends at x1, y1."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True)
class Scene:
    """An upright picture and what is in it."""

    pixels: Pixels  # (H, W, 3)
    things: list[Thing]
    stuff: npt.NDArray[np.uint8]  # (H, W), indices into `STUFF`
    gray: bool = False
    orientation: int = 1
    """EXIF value to store it under; 1 is upright."""


def draw_scene(settings: ScenesSettings, classes: tuple[str, ...], i: int) -> Scene:
    """Scene i of its split. Raises ValueError if not even the fewest objects find room."""
    rng = np.random.default_rng((SCENES, settings.seed, SPLITS[settings.split], i))
    odd = _oddity(rng, settings.odd)
    canvas, stuff = background(rng, settings.size)
    fewest, most = settings.objects
    placed: list[Placed] = []
    for k in range(int(rng.integers(fewest, most + 1))):
        name = classes[rng.integers(len(classes))]
        crowd, difficult = k == 0 and odd == "crowd", k == 0 and odd == "difficult"
        cover, colours = _patch(rng, LOOKS[name], settings, crowd, smallest=False)
        corner = find_room(rng, cover, placed, settings.size, settings.visible)
        if corner is None and len(placed) < fewest:
            cover, colours = _patch(rng, LOOKS[name], settings, crowd, smallest=True)
            corner = find_room(rng, cover, placed, settings.size, settings.visible)
        if corner is not None:
            strength = 0.45 if difficult else 1.0
            _paste(canvas, cover * strength, colours, corner)
            placed.append(Placed(name, whole_mask(cover, corner, settings.size), crowd, difficult))
    if len(placed) < fewest:
        raise ValueError(
            f"scene {i}: {fewest} objects of {settings.object_px} px have no room on {settings.size}"
        )
    orientation = int(rng.integers(2, 9)) if odd == "turned" else 1
    return Scene(_develop(rng, canvas), _visible(placed), stuff, odd == "gray", orientation)


def draw_object(settings: ObjectsSettings, classes: tuple[str, ...], i: int) -> tuple[Pixels, str]:
    """Picture i of one object, and its class: classes take turns."""
    rng = np.random.default_rng((OBJECTS, settings.seed, SPLITS[settings.split], i))
    name = classes[i % len(classes)]
    canvas, _ = background(rng, settings.size)
    side = rng.uniform(0.5, 0.9) * min(settings.size)
    cover, colours = draw_one(rng, LOOKS[name], side)
    corner = random_corner(rng, cover, settings.size)
    _paste(canvas, cover, colours, corner)
    return _develop(rng, canvas), name


def _oddity(rng: Random, share: float) -> Odd | None:
    draw = rng.random()
    return ODDITIES[min(3, int(draw / share * 4))] if draw < share else None


def _patch(
    rng: Random, look: Look, settings: ScenesSettings, crowd: bool, smallest: bool
) -> tuple[Floats, Floats]:
    low, high = np.log(settings.object_px)
    side = float(np.exp(low if smallest else rng.uniform(low, high)))
    if crowd:
        return draw_group(rng, look, max(side, float(np.exp((low + high) / 2))))
    return draw_one(rng, look, side)


def _visible(placed: list[Placed]) -> list[Thing]:
    seen = visible_shares([one.whole for one in placed])
    return [
        Thing(one.name, mask, share, one.crowd, one.difficult)
        for one, (mask, share) in zip(placed, seen, strict=True)
    ]


def _paste(canvas: Floats, cover: Floats, colours: Floats, corner: tuple[int, int]) -> None:
    """Shadow, then object, into the canvas (H, W, 3)."""
    height, width = canvas.shape[:2]
    (x, y), (h, w) = corner, cover.shape
    shadow = Image.new("L", (width, height))
    shadow.paste(Image.fromarray((cover * 255).astype(np.uint8)), (x + w // 12, y + h // 12))
    soft = np.asarray(shadow.filter(ImageFilter.BoxBlur(2 + w // 16)), np.float32) / 255
    canvas *= 1 - 0.4 * soft[..., None]
    here = canvas[y : y + h, x : x + w]
    here += (colours - here) * cover[..., None]


def _develop(rng: Random, canvas: Floats) -> Pixels:
    """Light of the day and grain of the film."""
    exposed = canvas * np.float32(rng.uniform(0.85, 1.1)) * 255
    exposed += rng.standard_normal(canvas.shape[:2], np.float32)[..., None] * 4
    return exposed.clip(0, 255).astype(np.uint8)
