"""Outlines of the ten shapes, and their masks at any size and angle."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Floats = npt.NDArray[np.float32]
FINER = 4  # masks are drawn this much larger and averaged down


def draw_shape(shape: str, side_px: float, angle: float, squeeze: float) -> tuple[Floats, Floats, Floats]:
    """Coverage 0..1 of a shape, longer side `side_px`, and its own coordinates u, v in -1..1; (h, w) each.

    `angle` in radians, `squeeze` is height over width before the rotation.
    """
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * [[1.0], [squeeze]]
    polygons = [np.asarray(polygon) @ turn for polygon in OUTLINES[shape]]
    low, high = polygons[0].min(axis=0), polygons[0].max(axis=0)
    scale = side_px / float((high - low).max())
    width, height = (max(2, int(np.ceil(extent))) for extent in (high - low) * scale)
    canvas = Image.new("L", (width * FINER, height * FINER))
    pen = ImageDraw.Draw(canvas)
    for polygon, ink in zip(polygons, (255, 0), strict=False):  # the second outline is a hole
        pen.polygon([tuple(point) for point in ((polygon - low) * scale * FINER).tolist()], fill=ink)
    cover = np.asarray(canvas.reduce(FINER), np.float32) / np.float32(255)
    y, x = np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5)
    back = np.linalg.inv(turn)
    points = np.stack([x / scale + low[0], y / scale + low[1]], axis=-1) @ back
    return cover, points[..., 0].astype(np.float32), points[..., 1].astype(np.float32)


Points = npt.NDArray[np.float64]


def _arc(radius: float, corners: int, start: float = 0.0, stop: float = 2 * np.pi) -> Points:
    angles = np.linspace(start, stop, corners, endpoint=False)
    return radius * np.stack([np.sin(angles), -np.cos(angles)], axis=-1)


def _star() -> Points:
    points = _arc(1, 10)
    points[1::2] *= 0.42
    return points


def _cross(arm: float = 0.34) -> Points:
    a = arm
    quarter = np.array([[-a, -1], [a, -1], [a, -a]])
    turns = [np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), k) for k in range(4)]
    return np.concatenate([quarter @ turn for turn in turns])


def _crescent() -> Points:
    outer = _arc(1, 40, 0.6, 2 * np.pi - 0.6)
    inner = _arc(0.85, 40, 2 * np.pi - 0.75, 0.75) - np.array([0, 0.25])
    return np.concatenate([outer, inner])


def _heart() -> Points:
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([np.sin(t) ** 3, -y / 16], axis=-1)


OUTLINES: dict[str, list[Points]] = {
    "disc": [_arc(1, 48)],
    "square": [_arc(1.3, 4, np.pi / 4, np.pi * 9 / 4)],
    "triangle": [_arc(1, 3)],
    "star": [_star()],
    "ring": [_arc(1, 48), _arc(0.55, 48)],
    "cross": [_cross()],
    "crescent": [_crescent()],
    "heart": [_heart()],
    "arrow": [np.array([[0, -1], [0.9, 0], [0.38, 0], [0.38, 1], [-0.38, 1], [-0.38, 0], [-0.9, 0]])],
    "bolt": [
        np.array([[-0.1, -1], [0.6, -1], [0.2, -0.3], [0.75, -0.3], [-0.45, 1], [-0.1, 0.1], [-0.65, 0.1]])
    ],
}
