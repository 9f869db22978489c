"""Boxes drawn without looking, each image's from (seed, image id) alone."""

import numpy as np

from sdetr.data.images import Pixels
from sdetr.proposals.proposed import Floats, Proposed
from sdetr.proposals.settings import RandomBoxesSettings

STREAM = 0x70726F70
"""Keeps these draws apart from others of the same seed."""


class RandomBoxes:
    """Sides uniform from `min_side` to the whole image, then the corner uniform in what remains."""

    def __init__(self, settings: RandomBoxesSettings) -> None:
        self.settings = settings

    def __call__(self, image_id: int, image: Pixels) -> Proposed:
        size_px = np.array([image.shape[1], image.shape[0]])  # (width, height)
        rng = np.random.default_rng((STREAM, self.settings.seed, image_id))
        low, side = self._fractions(rng)
        boxes: Floats = np.concatenate([low * size_px, (low + side) * size_px], axis=1).astype(np.float32)
        return Proposed(boxes, np.zeros(len(boxes), np.float32), "drawn")

    def _fractions(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Upper left corners and sides, (N, 2) each, as (x, y) fractions of the image."""
        drawn = rng.random((self.settings.most, 2, 2))  # row by row: fewer boxes are a prefix of more
        side = self.settings.min_side + (1 - self.settings.min_side) * drawn[:, 0]
        return (1 - side) * drawn[:, 1], side
