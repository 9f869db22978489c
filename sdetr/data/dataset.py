"""A data set: the i-th image of an index with what is known about it, or an error that names the file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sdetr.data.images import read_image
from sdetr.data.index import Annotation, Index
from sdetr.segments import read_segments

LOOKED_AT = 10_000


@dataclass(frozen=True)
class Sample:
    """One image, upright, and its objects."""

    image: Tensor  # (3, H, W) uint8 RGB
    boxes_xyxy_px: Tensor  # (N, 4) float32
    labels: Tensor  # (N,) int64
    crowd: Tensor  # (N,) bool
    difficult: Tensor  # (N,) bool
    image_id: int
    shown: Tensor | None = None  # (H, W) int16: number of the object that a pixel shows, −1 where none


@dataclass(frozen=True)
class Objects:
    """All objects of a data set, image by image; M of them."""

    row: NDArray[np.int64]  # (M,), ascending: whose image it is
    boxes_xyxy_px: NDArray[np.float32]  # (M, 4)
    labels: NDArray[np.int64]  # (M,)
    crowd: NDArray[np.bool_]  # (M,)


class Dataset:
    """`len`, `[i] -> Sample`, and, without decoding, `.ids` and `.sizes` (H, W).

    Objects of a panoptic one are its segments, those aside whose box is empty.
    """

    def __init__(self, index: Path, pixels: bool = False) -> None:
        """`pixels`: samples tell which object a pixel shows; of panoptic data sets alone.

        Raises FileNotFoundError or ValueError if the index is absent, broken, or has no image.
        """
        content = Index.load(index)
        if not content.images:
            raise ValueError(f"{index} lists no image; what was found: {content.funnel}")
        self.classes, self.things = content.classes, content.things
        if pixels and not self.things:
            raise ValueError(
                f"{index} has no segments; say `panoptic:` in the file of the data set, and prepare it again"
            )
        self.ids = [row.id for row in content.images]
        self.sizes = [(row.height, row.width) for row in content.images]
        self._files = [row.file for row in content.images]
        self._pngs = [row.segments for row in content.images] if self.things else []
        self._pixels = pixels
        self._root, self._cut_off = content.root, content.cut_off
        self._columns(content.annotations)

    def __len__(self) -> int:
        return len(self.ids)

    def objects(self) -> Objects:
        """Of every image, without decoding any."""
        row, of = np.repeat(np.arange(len(self)), np.diff(self._starts)), self._rows
        return Objects(row, self._boxes[of], self._labels[of], self._crowd[of])

    def digest_of_files(self) -> str:
        """Of lengths of images, spread evenly over all of them, gone ones too: none is opened for it.

        Not of more than `LOOKED_AT`, since a file of a network costs a millisecond.
        """
        digest = hashlib.sha256()
        for name in [*_spread(self._files), *_spread(self._pngs)]:
            try:
                length = (self._root / name).stat().st_size
            except FileNotFoundError:
                length = -1
            digest.update(f"{name} {length}\n".encode())
        return digest.hexdigest()

    def __getitem__(self, i: int) -> Sample:
        pixels = read_image(self._root / self._files[i], self.sizes[i], self._cut_off)
        mine = self._rows[self._starts[i] : self._starts[i + 1]]
        return Sample(
            image=torch.from_numpy(pixels.copy()).permute(2, 0, 1),
            boxes_xyxy_px=torch.from_numpy(self._boxes[mine]),
            labels=torch.from_numpy(self._labels[mine]),
            crowd=torch.from_numpy(self._crowd[mine]),
            difficult=torch.from_numpy(self._difficult[mine]),
            image_id=self.ids[i],
            shown=self._shown(i, self._segment[mine]) if self._pixels else None,
        )

    def _shown(self, i: int, segments: NDArray[np.int64]) -> Tensor:
        """Of an image whose objects are these."""
        ids, place = np.unique(read_segments(self._root / self._pngs[i], self.sizes[i]), return_inverse=True)
        number = {segment: n for n, segment in enumerate(segments.tolist())}
        numbers = np.array([number.get(one, -1) for one in ids.tolist()], np.int16)
        return torch.from_numpy(numbers[place.reshape(self.sizes[i])])

    def _columns(self, annotations: list[Annotation]) -> None:
        """Columns, not objects: counting references would copy 860,000 annotations into every worker."""
        place = {image_id: i for i, image_id in enumerate(self.ids)}
        if self.things:
            annotations = [row for row in annotations if min(row.box_xywh_px[2:]) > 0]
            self._segment = np.array([row.segment for row in annotations], np.int64)
        owner = np.array([place[row.image_id] for row in annotations], np.int64)
        xywh = np.array([row.box_xywh_px for row in annotations], np.float64).reshape(-1, 4)
        self._boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1).astype(np.float32)
        self._labels = np.array([row.label for row in annotations], np.int64)
        self._crowd = np.array([row.crowd for row in annotations], np.bool_)
        self._difficult = np.array([row.difficult for row in annotations], np.bool_)
        self._rows = np.argsort(owner, kind="stable")
        self._starts = np.searchsorted(owner[self._rows], np.arange(len(self.ids) + 1))


def _spread(files: list[str]) -> list[str]:
    return files[:: max(1, -(-len(files) // LOOKED_AT))]
