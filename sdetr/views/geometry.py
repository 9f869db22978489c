"""Rectangles of a pair of views: one around both, two in it whose IoU is at least τ (Siamese DETR §3.1).

A rectangle is x0, y0, x1, y1 in pixels of the resized image, floats.
"""

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

TRIES = 10
"""How often a rectangle is drawn before the middle of the image is taken."""


def outer_rectangle(
    size: tuple[int, int],
    area: tuple[float, float],
    aspect: tuple[float, float],
    rng: np.random.Generator,
) -> Array:
    """A share of an image of `size` (H, W) on whole pixels, (4,): area uniform, aspect w / h log-uniform."""
    height, width = size
    for _ in range(TRIES):
        wanted = height * width * rng.uniform(*area)
        ratio = math.exp(rng.uniform(*np.log(aspect)))
        w, h = round(math.sqrt(wanted * ratio)), round(math.sqrt(wanted / ratio))
        if 0 < w <= width and 0 < h <= height:
            y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
            return np.array([x, y, x + w, y + h], np.float64)
    w = min(width, max(1, round(height * aspect[1])))  # the whole image, unless it is too long …
    h = min(height, max(1, round(width / aspect[0])))  # … or too high
    x, y = (width - w) // 2, (height - h) // 2
    return np.array([x, y, x + w, y + h], np.float64)


def overlap_side(iou: float) -> float:
    """Side t of the overlap over that of the rectangle around both views: (τ + 2) t² − 2 τ t − τ = 0."""
    return (iou + math.sqrt(2 * iou**2 + 2 * iou)) / (iou + 2)


def overlap_of(outer: Array, iou: float) -> Array:
    """The rectangle, (4,), that both views of `outer` hold; in its middle, of its shape."""
    margin = (outer[2:] - outer[:2]) * (1 - overlap_side(iou)) / 2
    return np.concatenate([outer[:2] + margin, outer[2:] - margin])


def pair_around(outer: Array, iou: float, shrunk: tuple[float, float]) -> Array:
    """Two views, (2, 4), of the shape of `outer`, meeting in `overlap_of(outer, iou)`: no search is needed.

    One reaches to the upper left corner, the other to the lower right, each less by a share 0..1, `shrunk`,
    of the margin around the overlap. At (0, 0) their IoU is exactly `iou`, else it is more.
    """
    overlap = overlap_of(outer, iou)
    low = outer[:2] + shrunk[0] * (overlap[:2] - outer[:2])
    high = outer[2:] - shrunk[1] * (outer[2:] - overlap[2:])
    return np.stack([np.concatenate([low, overlap[2:]]), np.concatenate([overlap[:2], high])])


def flipped(boxes: Array, width: float) -> Array:
    """(N, 4) in an image → (N, 4) in its mirror image."""
    return boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]


def inside(boxes: Array, view: Array) -> Array:
    """(…, N, 4) in the image, (…, 4) a view of it → (…, N, 4) xyxy in fractions of the view, 0..1.

    What rounding puts outside is put back (trap T9): no box is lost for a millionth of a pixel.
    """
    low, high = view[..., None, [0, 1, 0, 1]], view[..., None, [2, 3, 2, 3]]
    fractions: Array = ((boxes - low) / (high - low)).clip(0, 1)
    return fractions
