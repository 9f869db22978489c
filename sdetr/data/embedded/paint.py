"""Colour: textures of objects, noise, and backgrounds made of stuff."""

import colorsys

import numpy as np
import numpy.typing as npt
from PIL import Image

from sdetr.data.embedded.classes import STUFF, Look, Stuff
from sdetr.data.embedded.shapes import Floats

Random = np.random.Generator


def paint(rng: Random, look: Look, u: Floats, v: Floats) -> Floats:
    """(h, w, 3) colours 0..1 of an object at its own coordinates u, v (h, w), lit from one side."""
    hue = look.hue + rng.normal(0, 0.05)
    saturation, value = rng.uniform(0.6, 0.95), rng.uniform(0.7, 1.0)
    light = _rgb(hue, saturation, value)
    dark = _rgb(hue + rng.uniform(0.03, 0.09), saturation * 0.9, value * 0.42)
    blend = _pattern(rng, look.texture, u, v)[..., None]  # (h, w, 1)
    angle = rng.uniform(0, 2 * np.pi)
    shading = 0.95 + 0.22 * (np.cos(angle) * u + np.sin(angle) * v)[..., None]
    return np.asarray((light * (1 - blend) + dark * blend) * shading, np.float32)


def noise(rng: Random, size: tuple[int, int], cells: tuple[int, int]) -> Floats:
    """(H, W) smooth noise of about ±1 with `cells` (rows, columns) hills."""
    grid = rng.standard_normal((max(2, cells[0]), max(2, cells[1])), np.float32)
    return np.asarray(Image.fromarray(grid).resize(size[::-1], Image.Resampling.BICUBIC), np.float32)


def background(rng: Random, size: tuple[int, int]) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """(H, W, 3) colours 0..1 and (H, W) indices into `STUFF`: one above a horizon, one below it."""
    height, width = size
    above, below = (
        rng.choice([i for i, s in enumerate(STUFF) if s.upper == upper]) for upper in (True, False)
    )
    level = rng.uniform(0.3, 1.2) * height  # beyond 1 there is no lower part
    slope, waves = rng.uniform(-0.15, 0.15), noise(rng, (1, width), (2, 6))[0] * rng.uniform(0, 0.05) * height
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    depth = y[:, None] - (level + slope * (x - width / 2) + waves)[None]  # pixels below the horizon
    share = np.clip(0.5 + depth / rng.uniform(2, 6), 0, 1)[..., None].astype(np.float32)  # a soft edge
    colours = _cover(rng, STUFF[above], size) * (1 - share) + _cover(rng, STUFF[below], size) * share
    return colours, np.where(depth > 0, below, above).astype(np.uint8)


def _cover(rng: Random, stuff: Stuff, size: tuple[int, int]) -> Floats:
    ranges = (stuff.hue, stuff.saturation, stuff.value)
    one, two = (_rgb(*(rng.uniform(*ends) for ends in ranges)) for _ in range(2))
    fall = np.linspace(0, 1, size[0], dtype=np.float32)[:, None, None]
    hills = 0.10 * noise(rng, size, (3, 3)) + 0.06 * noise(rng, size, (8, 10))
    grain = 0.07 * noise(rng, size, stuff.grain)
    tones = (one * (1 - fall) + two * fall) * (1 + hills + grain)[..., None]
    return np.asarray(tones, np.float32)


def _pattern(rng: Random, texture: str, u: Floats, v: Floats) -> Floats:
    """(h, w) share 0..1 of the dark colour."""
    if texture == "plain":
        return np.zeros_like(u)
    if texture == "marbled":
        return _share(0.5 + 0.7 * noise(rng, (u.shape[0], u.shape[1]), (6, 6)))
    period = rng.uniform(0.42, 0.58)
    a, b = 2 * np.pi * u / period, 2 * np.pi * v / period
    if texture == "striped":
        wave = np.sin(a)
    elif texture == "checkered":
        wave = 1.5 * np.sin(a / 1.4) * np.sin(b / 1.4)
    else:  # dotted
        wave = np.cos(a) + np.cos(b) - 0.5
    return _share(0.5 + 2 * wave)


def _share(values: Floats) -> Floats:
    return values.clip(0, 1)


def _rgb(hue: float, saturation: float, value: float) -> Floats:
    return np.array(colorsys.hsv_to_rgb(hue % 1, min(saturation, 1), min(value, 1)), np.float32)
