"""One object, or a group of many, as a patch of coverage and colour."""

import numpy as np

from sdetr.data.embedded.classes import Look
from sdetr.data.embedded.paint import Random, paint
from sdetr.data.embedded.shapes import Floats, draw_shape


def draw_one(rng: Random, look: Look, side: float) -> tuple[Floats, Floats]:
    """Coverage (h, w) and colours (h, w, 3) of one object."""
    angle, squeeze = rng.uniform(-0.8, 0.8), np.exp(rng.uniform(-0.2, 0.2))
    cover, u, v = draw_shape(look.shape, side, angle, squeeze)
    return cover, paint(rng, look, u, v)


def draw_group(rng: Random, look: Look, side: float) -> tuple[Floats, Floats]:
    """Many small ones, too close to count: what COCO calls a crowd."""
    n = int(side)
    cover, colours = np.zeros((n, n), np.float32), np.zeros((n, n, 3), np.float32)
    for _ in range(int(rng.integers(7, 12))):
        one, paints = draw_one(rng, look, side * rng.uniform(0.3, 0.42))
        x, y = random_corner(rng, one, (n, n))
        here = np.s_[y : y + one.shape[0], x : x + one.shape[1]]
        colours[here] += (paints - colours[here]) * one[..., None]
        cover[here] = np.maximum(cover[here], one)
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    tight = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cover[tight], colours[tight]


def random_corner(rng: Random, cover: Floats, size: tuple[int, int]) -> tuple[int, int]:
    """(x, y) where the whole patch lies inside `size` (H, W)."""
    height, width = cover.shape
    return int(rng.integers(size[1] - width + 1)), int(rng.integers(size[0] - height + 1))
