"""From an image and a planned pair to bytes: both views, and what is in each region of each."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sdetr.data.layout import beside
from sdetr.views.geometry import Array, inside
from sdetr.views.pairs import Pair


class Cut(NamedTuple):
    """A pair of views in pixels."""

    images: Tensor  # (2, 3, H, W) uint8
    crops: Tensor  # (2, R, 3, s, s) uint8


def cut(image: Tensor, pair: Pair, crop_px: int) -> Cut:
    """(3, H, W) bytes as stored → the pair's views and the crops of its regions, resized with antialiasing.

    Windows are cut at whole pixels: what is shown is within half a pixel of what the boxes say.
    """
    if pair.flipped:
        image = image.flip(2)
    image = resize(image, pair.size)
    height, width = pair.view_size
    views = [window(image, view, pair.view_size) for view in pair.views]
    boxes_px = inside(pair.regions, pair.views) * np.tile([width, height], 2)  # (2, R, 4)
    square = crop_px, crop_px
    crops = [
        beside([window(view, box, square) for box in boxes])
        for view, boxes in zip(views, boxes_px, strict=True)
    ]
    return Cut(beside(views), beside(crops))


def window(image: Tensor, box: Array, size: tuple[int, int]) -> Tensor:
    """What is in a box (x0, y0, x1, y1 px), resized to (H, W); at least one pixel of the image."""
    height, width = image.shape[1:]
    x0, x1 = _span(box[0], box[2], width)
    y0, y1 = _span(box[1], box[3], height)
    return resize(image[:, y0:y1, x0:x1], size)


def cut_out(image: Tensor, box: Array) -> Tensor:
    """What is in a box (x0, y0, x1, y1 px, to whole pixels), black where it is beyond (3, H, W)."""
    height, width = image.shape[1:]
    x0, y0, x1, y1 = (round(float(value)) for value in box)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
        return image[:, y0:y1, x0:x1]
    black = image.new_zeros(3, y1 - y0, x1 - x0)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if left < right and top < bottom:
        black[:, top - y0 : bottom - y0, left - x0 : right - x0] = image[:, top:bottom, left:right]
    return black


def _span(low: float, high: float, side: int) -> tuple[int, int]:
    first = min(round(float(low)), side - 1)
    return first, min(max(round(float(high)), first + 1), side)


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """To (H, W); colours of a pixel stay side by side in memory, for which resizing is twice as fast."""
    pixels = image[None].contiguous(memory_format=torch.channels_last)
    if size != tuple(image.shape[1:]):
        pixels = interpolate(pixels, size, mode="bilinear", antialias=True)
    return pixels.contiguous(memory_format=torch.channels_last)[0]
