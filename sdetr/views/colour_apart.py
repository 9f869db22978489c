"""The same colours an image at a time, bytes after each operation as PIL has them, rounded: for a CPU."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdetr.views.colour_draws import CONTRAST, HUE, SATURATION, Draws

Image = np.ndarray[Any, np.dtype[Any]]
"""(H, W, 3), bytes."""


def painted_apart(images: Tensor, draws: Draws, padding: Tensor | None = None) -> Tensor:
    """(M, 3, H, W) bytes → bytes, colours of a pixel side by side; 0 where `padding` (M, H, W)."""
    import cv2

    cv2.setNumThreads(1)  # images are small, and processes share the cores
    pixels: Image = images.permute(0, 2, 3, 1).contiguous().numpy()
    painted = np.empty_like(pixels) if padding is None else np.zeros_like(pixels)
    sizes = [images.shape[2:]] * len(images) if padding is None else _sizes(padding)
    for image, (h, w), out, *drawn in zip(pixels, sizes, painted, *map(Tensor.tolist, draws), strict=True):
        out[:h, :w] = _painted(image[:h, :w], *drawn)
    return torch.from_numpy(painted).permute(0, 3, 1, 2)


def _sizes(padding: Tensor) -> list[tuple[int, int]]:
    """(M, H, W), True right and bottom → (H, W) of each image."""
    there = ~padding
    return list(zip(there[:, :, 0].sum(1).tolist(), there[:, 0].sum(1).tolist(), strict=True))


def _painted(image: Image, order: list[int], factors: list[float], gray: bool, blur_px: float) -> Image:
    import cv2

    for which in order:
        if factors[which] != (which != HUE):  # 1, 1, 1, 0 do nothing
            image = _jittered(image, which, factors[which])
    image = _in_gray(image) if gray else image
    # an edge goes on beyond the border; taps reach as far as three deviations
    return cv2.GaussianBlur(image, (0, 0), blur_px, borderType=cv2.BORDER_REPLICATE) if blur_px else image


def _jittered(image: Image, which: int, factor: float) -> Image:
    """Mixed with black, with its mean gray, or with itself in gray; or turned around the colour circle."""
    import cv2

    if which == HUE:
        return _turned(image, factor)
    if which == SATURATION:
        return cv2.addWeighted(image, factor, _in_gray(image), 1 - factor, 0)
    mean = cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0] if which == CONTRAST else 0.0
    return cv2.addWeighted(image, factor, image, 0, mean * (1 - factor))


def _in_gray(image: Image) -> Image:
    import cv2

    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _turned(image: Image, turn: float) -> Image:
    """The circle has 256 places, and a byte that runs over begins anew."""
    import cv2

    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    lines = hsv.reshape(len(hsv), -1)  # to add whole lines is five times as fast
    lines += np.tile(np.array([round(256 * turn) % 256, 0, 0], np.uint8), hsv.shape[1])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)
