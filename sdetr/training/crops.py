"""Random squares of single-object images that fit into memory, cut in batches without a worker."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.types import View


class Pictures:
    """All images of a class folder at once; each has one label, all have one size."""

    def __init__(self, index: Path) -> None:
        dataset = Dataset(index)
        samples = [dataset[i] for i in range(len(dataset))]
        sizes = sorted({tuple(sample.image.shape[1:]) for sample in samples})
        bad = [sample.image_id for sample in samples if len(sample.labels) != 1]
        if len(sizes) != 1 or bad:
            raise ValueError(
                f"{index}: a backbone is trained on images of one size with one object each; "
                f"found sizes {sizes[:3]} and {len(bad)} images without exactly one label {bad[:3]}"
            )
        self.classes = dataset.classes
        self.images = torch.stack([sample.image for sample in samples])  # (N, 3, H, W) uint8
        self.labels = torch.cat([sample.labels for sample in samples])  # (N,)

    def view(self, chosen: Tensor, crop_px: int | None = None) -> View:
        """Images by number, whole, or their middle square."""
        images = self.images[chosen]
        if crop_px:
            y, x = ((side - crop_px) // 2 for side in images.shape[2:])
            images = images[:, :, y : y + crop_px, x : x + crop_px]
        return _view(images, self.labels[chosen], chosen)


class Crops:
    """Training batches; that of a step depends on (seed, step) alone, and each image comes once per pass."""

    def __init__(self, pictures: Pictures, crop_px: int, batch: int, seed: int) -> None:
        height, width = pictures.images.shape[2:]
        if crop_px > min(height, width):
            raise ValueError(f"crop_px: {crop_px}, but the images are {height}x{width}")
        if batch > len(pictures.labels):
            raise ValueError(f"batch: {batch}, but there are only {len(pictures.labels)} images")
        self.pictures, self.crop_px, self.batch, self.seed = pictures, crop_px, batch, seed
        self.steps_per_pass = len(pictures.labels) // batch

    def from_step(self, step: int) -> Iterator[View]:
        while True:
            yield self._batch(step)
            step += 1

    def _batch(self, step: int) -> View:
        turn, place = divmod(step, self.steps_per_pass)
        order = np.random.default_rng((self.seed, 0, turn)).permutation(len(self.pictures.labels))
        chosen = torch.from_numpy(order[place * self.batch : (place + 1) * self.batch])
        random = np.random.default_rng((self.seed, 1, step))
        room = [side - self.crop_px + 1 for side in self.pictures.images.shape[2:]]
        corners = random.integers(room, size=(self.batch, 2)).tolist()
        side = self.crop_px
        images = torch.stack(
            [
                self.pictures.images[i, :, y : y + side, x : x + side]
                for i, (y, x) in zip(chosen.tolist(), corners, strict=True)
            ]
        )
        flipped = torch.from_numpy(random.random(self.batch) < 0.5)
        images[flipped] = images[flipped].flip(-1)
        return _view(images, self.pictures.labels[chosen], chosen)


def _view(images: Tensor, labels: Tensor, numbers: Tensor) -> View:
    padding = torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.bool)
    return View(images, padding, numbers.tolist(), labels=list(labels[:, None]))
