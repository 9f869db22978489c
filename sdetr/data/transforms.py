"""Geometry of training and test images: flip, resize, crop; boxes follow their pixels (DETR §A.4)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sdetr.data.settings import AugmentSettings
from sdetr.data.sizes import Change, draw_change


@dataclass(frozen=True)
class Targeted:
    """An image and its targets, in pixels of this image."""

    image: Tensor  # (3, H, W) uint8
    boxes_xyxy_px: Tensor  # (N, 4)
    labels: Tensor  # (N,)
    shown: Tensor | None = None  # (H, W) int16: number of the target that a pixel shows, −1 where none

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[2]


def augment(item: Targeted, settings: AugmentSettings, rng: np.random.Generator) -> Targeted:
    """A change that `rng` draws."""
    return changed(item, draw_change(item.size, settings, rng))


def changed(item: Targeted, change: Change) -> Targeted:
    """Flip; then, or after a resize and a crop, resize to one of the short sides."""
    if change.flipped:
        item = flip(item)
    if change.between and change.window:
        item = crop(resize(item, change.between), change.window)
    return resize(item, change.size)


def flip(item: Targeted) -> Targeted:
    """Left becomes right."""
    boxes = item.boxes_xyxy_px[:, [2, 1, 0, 3]] * torch.tensor([-1, 1, -1, 1])
    boxes = boxes + torch.tensor([item.size[1], 0, item.size[1], 0])
    shown = None if item.shown is None else item.shown.flip(1)
    return Targeted(item.image.flip(2), boxes, item.labels, shown)


def resize(item: Targeted, size: tuple[int, int]) -> Targeted:
    """To (H, W) exactly; bilinear with antialiasing, on bytes."""
    if size == item.size:
        return item
    image = interpolate(item.image[None], size, mode="bilinear", antialias=True)[0]
    scale = torch.tensor([size[1] / item.size[1], size[0] / item.size[0]]).repeat(2)
    shown = None if item.shown is None else nearest(item.shown, size)
    return Targeted(image, item.boxes_xyxy_px * scale, item.labels, shown)


def nearest(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """(..., H, W) → (..., H', W'): each takes the pixel that its upper left corner lies in."""
    rows, columns = (
        torch.arange(new, device=pixels.device) * old // new
        for new, old in zip(size, pixels.shape[-2:], strict=True)
    )
    return pixels[..., rows[:, None], columns]


def centred(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """The same with the pixel that its centre lies in, as PIL's `NEAREST` has it."""
    rows, columns = (
        (2 * torch.arange(new, device=pixels.device) + 1) * old // (2 * new)
        for new, old in zip(size, pixels.shape[-2:], strict=True)
    )
    return pixels[..., rows[:, None], columns]


def crop(item: Targeted, window: tuple[int, int, int, int]) -> Targeted:
    """Cut out `window` (x, y, width, height); boxes are clipped, and go if nothing of them is left."""
    x, y, width, height = window
    low = torch.zeros(4)
    high = torch.tensor([width, height, width, height])
    boxes = (item.boxes_xyxy_px - torch.tensor([x, y, x, y])).clamp(low, high)
    keep = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)  # some area
    here = slice(y, y + height), slice(x, x + width)
    shown = None if item.shown is None else _numbered_anew(item.shown[here], keep)
    return Targeted(item.image[:, *here], boxes[keep], item.labels[keep], shown)


def _numbered_anew(shown: Tensor, keep: Tensor) -> Tensor:
    """Of targets of which not all stay, (N,) bool."""
    numbers = torch.where(keep, keep.cumsum(0) - 1, -1)
    return torch.cat([numbers, numbers.new_tensor([-1])]).to(shown.dtype)[shown.long()]  # −1 is the last
