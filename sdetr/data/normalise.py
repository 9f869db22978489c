"""Bytes to what backbones were trained on, on whatever device the view is."""

from dataclasses import replace

import torch

from sdetr.types import View

MEAN = (0.485, 0.456, 0.406)  # ImageNet, as all published backbones of the papers
DEVIATION = (0.229, 0.224, 0.225)


def normalise(view: View) -> View:
    """Images (B, 3, H, W) and crops (B, N, 3, s, s) of 0..255 to normalised float32, zero where padded."""
    device = view.images.device
    mean = torch.tensor(MEAN, device=device).view(3, 1, 1) * 255
    deviation = torch.tensor(DEVIATION, device=device).view(3, 1, 1) * 255
    images = (view.images.to(torch.float32) - mean) / deviation
    crops = None if view.crops is None else (view.crops.to(torch.float32) - mean) / deviation
    return replace(view, images=images.masked_fill(view.padding[:, None], 0.0), crops=crops)
