"""Samples as the papers' released loaders make them: PIL and torchvision's transforms, one after the other.

Geometry is planned; the order is that of UP-DETR (arXiv:2011.09094), DETReg (arXiv:2106.04550) and Siamese
DETR: crops are of the image as it is stored, or of the resized view; each is resized, jittered, perhaps made
gray, perhaps blurred, made a tensor and normalised.
"""

import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torchvision.transforms as transforms
from PIL import Image, ImageFilter
from PIL.Image import Resampling
from torch import Tensor
from torchvision.transforms import functional as tv

from sdetr.data.normalise import DEVIATION, MEAN
from sdetr.views.colour_draws import BRIGHTNESS, CONTRAST, HUE, SATURATION, Draws
from sdetr.views.crops import Cropped
from sdetr.views.geometry import inside
from sdetr.views.pairs import Pair

Paint = Callable[[Image.Image], Image.Image]
Made = tuple[list[Tensor], Tensor, list[Tensor]]
"""Normalised views (3, h, w), crops (…, N, 3, s, s), and boxes (N, 4) of each view, cxcywh in fractions."""
Collated = tuple[Tensor, Tensor, list[Tensor], list[Tensor]]
"""Views side by side, zero where padded; their padding; crops of each sample, boxes of each view."""


def crops_sample(image: Image.Image, planned: Cropped, crop_px: int, paint: Paint) -> Made:
    """UP-DETR's and DETReg's: a view, and painted crops of the image as it is stored."""
    crops = [_square(image, box, crop_px, paint) for box in planned.regions]
    if planned.flipped:
        image = tv.hflip(image)
    view = _resized(_resized(image, planned.size).crop(_whole(planned.window)), planned.view_size)
    return [_normal(view)], torch.stack(crops), [_cxcywh(planned.boxes)]


def pair_sample(image: Image.Image, pair: Pair, crop_px: int, paint: Paint) -> Made:
    """Siamese DETR's: two painted views, and painted crops of each of before it was."""
    image = _resized(image, pair.size)
    if pair.flipped:
        image = tv.hflip(image)
    views = [_resized(image.crop(_whole(view)), pair.view_size) for view in pair.views]
    boxes = inside(pair.regions, pair.views)  # (2, R, 4)
    px = boxes * np.tile(pair.view_size[::-1], 2)
    painted = [_normal(paint(view)) for view in views]
    crops = [[_square(view, box, crop_px, paint) for box in of] for view, of in zip(views, px, strict=True)]
    return painted, torch.stack([torch.stack(of) for of in crops]), [_cxcywh(of) for of in boxes]


def collated(samples: Sequence[Made]) -> Collated:
    """A batch, padded at the right and the bottom."""
    views = [view for made, _, _ in samples for view in made]
    height, width = (max(view.shape[side] for view in views) for side in (1, 2))
    images = torch.zeros(len(views), 3, height, width)
    padding = torch.ones(len(views), height, width, dtype=torch.bool)
    for image, mask, view in zip(images, padding, views, strict=True):
        image[:, : view.shape[1], : view.shape[2]].copy_(view)
        mask[: view.shape[1], : view.shape[2]] = False
    return images, padding, [crops for _, crops, _ in samples], [box for _, _, of in samples for box in of]


def by_chance() -> Paint:
    """The recipe of all three."""
    jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    return transforms.Compose(
        [
            transforms.RandomApply([jitter], p=0.8),
            transforms.RandomGrayscale(p=0.2),
            transforms.RandomApply([lambda image: _blurred(image, random.uniform(0.1, 2.0))], p=0.5),
        ]
    )


def as_drawn(draws: Draws) -> Paint:
    """Each image that comes is painted by the next of the draws."""
    left = zip(*(column.tolist() for column in draws), strict=True)
    adjust = {
        BRIGHTNESS: tv.adjust_brightness,
        CONTRAST: tv.adjust_contrast,
        SATURATION: tv.adjust_saturation,
        HUE: tv.adjust_hue,
    }

    def paint(image: Image.Image) -> Image.Image:
        order, factors, gray, blur_px = next(left)
        for which in order:
            image = adjust[which](image, factors[which])
        image = tv.to_grayscale(image, 3) if gray else image
        return _blurred(image, blur_px) if blur_px else image

    return paint


def _blurred(image: Image.Image, deviation_px: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius=deviation_px))


def _square(image: Image.Image, box: "np.typing.NDArray[np.floating]", side: int, paint: Paint) -> Tensor:
    return _normal(paint(_resized(image.crop(_whole(box)), (side, side))))


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size[::-1], Resampling.BILINEAR)


def _whole(box: "np.typing.NDArray[np.generic]") -> tuple[int, ...]:
    return tuple(round(float(value)) for value in box)


def _normal(image: Image.Image) -> Tensor:
    return tv.normalize(tv.to_tensor(image), MEAN, DEVIATION)


def _cxcywh(boxes: "np.typing.NDArray[np.floating]") -> Tensor:
    low, high = torch.from_numpy(boxes.astype(np.float32)).split(2, dim=1)
    return torch.cat([(low + high) / 2, high - low], dim=1)
