"""Bytes to what backbones were trained on, on whatever device the view is."""

from dataclasses import replace

import torch
from torch import Tensor

from sdetr.types import View

MEAN = (0.485, 0.456, 0.406)  # ImageNet, as all published backbones of the papers
DEVIATION = (0.229, 0.224, 0.225)


def normalise(view: View) -> View:
    """Images (B, 3, H, W) and crops (B, N, 3, s, s) of 0..255 to normalised float32, zero where padded."""
    images = _normal(view.images).masked_fill_(view.padding[:, None], 0.0)
    return replace(view, images=images, crops=None if view.crops is None else _normal(view.crops))


def _normal(pixels: Tensor) -> Tensor:
    """New floats of their shape, (…, 3, H, W), made once and changed in place."""
    mean, deviation = (
        (torch.tensor(of).view(3, 1, 1) * 255).to(pixels.device, non_blocking=True)
        for of in (MEAN, DEVIATION)
    )
    return (pixels - mean).div_(deviation)
