"""Crops of objects as questions of one-shot detection: which there are, and which a test image is asked."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.views.pixels import window
from sdetr.views.settings import QuerySettings


class Question(NamedTuple):
    """Of a test image: where is what this crop shows?"""

    label: int
    turn: int  # the pass, from 1
    crop: int  # its number in the pool


class QueryPool:
    """A crop of each object of a data set, difficult ones too; of crowds none, as their box is around many.

    Crops are numbered image by image in the index's order, and cut when somebody wants one.
    """

    def __init__(self, dataset: Dataset, crop_px: int, kept: bool = False) -> None:
        """`kept`: a crop that was cut stays in memory, 3 bytes a pixel."""
        found = dataset.objects()
        one = ~found.crowd
        self._dataset, self._square = dataset, (crop_px, crop_px)
        self.rows, self.labels, self._boxes = found.row[one], found.labels[one], found.boxes_xyxy_px[one]
        self.of_class = {
            int(label): np.flatnonzero(self.labels == label).tolist() for label in np.unique(self.labels)
        }
        self._starts = np.searchsorted(self.rows, np.arange(len(dataset) + 1))
        self._cut: dict[int, Tensor] | None = {} if kept else None

    def classes_in(self, row: int) -> list[int]:
        """Labels of the objects of an image, each once."""
        mine: list[int] = np.unique(self.labels[self._starts[row] : self._starts[row + 1]]).tolist()
        return mine

    def crop(self, number: int) -> Tensor:
        """(3, s, s) bytes: what is in an object's box, to whole pixels, resized whatever its aspect."""
        if self._cut is None:
            return self._crop(number)
        if number not in self._cut:
            self._cut[number] = self._crop(number)
        return self._cut[number]

    def _crop(self, number: int) -> Tensor:
        image = self._dataset[int(self.rows[number])].image
        return window(image, self._boxes[number], self._square)


def questions(pool: QueryPool, ids: Sequence[int], settings: QuerySettings) -> list[list[Question]]:
    """Of every image, by its row; `ids` are the images' numbers. Each class in an image is asked for, and no
    other, `passes` times: with the first crops of its class in an order whose seed is the image's number.

    Where a class has fewer crops than passes, they come again. Raises ValueError for a class that only its
    own image shows, where that may not be asked with.
    """
    return [
        [
            Question(label, turn, crop)
            for label in pool.classes_in(row)
            for turn, crop in enumerate(_asked(pool, row, image_id, label, settings), 1)
        ]
        for row, image_id in enumerate(ids)
    ]


def _asked(pool: QueryPool, row: int, image_id: int, label: int, settings: QuerySettings) -> list[int]:
    crops = [n for n in pool.of_class[label] if settings.own_image or pool.rows[n] != row]
    if not crops:
        raise ValueError(
            f"query.own_image: false, but only image {image_id} shows class {label}, so that nothing else "
            "can ask for it there; allow it, or test on more images"
        )
    random.Random(image_id).shuffle(crops)
    return [crops[k % len(crops)] for k in range(settings.passes)]
