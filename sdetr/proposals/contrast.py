"""How much of what differs in and around a box is explained by being inside: objects differ from what is
beside them, however faintly, and their boxes show it where no proposal does.
"""

import numpy as np
import numpy.typing as npt

from sdetr.data.images import Pixels
from sdetr.proposals.recall import Doubles

AROUND = 0.25
"""Of a box's sides that the ring around it is wide."""
ROUNDING = 3 / 12
"""Variance of a pixel of three whole numbers: what differs by less cannot be seen."""


class Contrast:
    """Of boxes in one picture."""

    def __init__(self, picture: Pixels) -> None:
        values = np.asarray(picture, np.float64)
        both = np.concatenate([values, (values**2).sum(axis=2, keepdims=True)], axis=2)
        self._sums: Doubles = np.pad(both.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0), (0, 0)))
        self._size = np.array([values.shape[1], values.shape[0]] * 2)

    def __call__(self, fractions: npt.NDArray[np.floating]) -> Doubles:
        """(N,) shares from 0 to 1, of the variance of the colours in and around boxes (N, 4), which are xyxy
        as fractions of the picture. 0 for a box without pixels inside or around.
        """
        boxes = fractions.astype(np.float64) * self._size
        margin = np.tile(boxes[:, 2:] - boxes[:, :2], 2) * [-AROUND, -AROUND, AROUND, AROUND]
        inside, n_inside = self._within(boxes)
        whole, n = self._within(boxes + margin)
        around, n_around = whole - inside, n - n_inside
        usable = (n_inside > 0) & (n_around > 0)
        n, n_inside, n_around = (np.where(usable, count, 1.0) for count in (n, n_inside, n_around))
        apart = inside[:, :3] / n_inside[:, None] - around[:, :3] / n_around[:, None]
        between = (apart**2).sum(axis=1) * n_inside * n_around / n**2
        total = whole[:, 3] / n - ((whole[:, :3] / n[:, None]) ** 2).sum(axis=1)
        share: Doubles = np.where(usable, between / np.maximum(total, between + ROUNDING), 0.0)
        return share

    def _within(self, boxes: Doubles) -> tuple[Doubles, Doubles]:
        """Sums (N, 4) of colours and of their squares, and numbers (N,) of pixels, cut at the border."""
        x0, y0, x1, y1 = np.clip(np.round(boxes), 0, self._size).astype(np.int64).T
        sums: Doubles = self._sums[y1, x1] - self._sums[y0, x1] - self._sums[y1, x0] + self._sums[y0, x0]
        return sums, ((x1 - x0) * (y1 - y0)).astype(np.float64)
