"""Bytes to what backbones were trained on, on whatever device the view is."""

from dataclasses import replace

import torch
from torch import Tensor

from sdetr.types import View

MEAN = (0.485, 0.456, 0.406)  # ImageNet, as all published backbones of the papers
DEVIATION = (0.229, 0.224, 0.225)


def normalise(view: View) -> View:
    """Images (B, 3, H, W) and crops (B, N, 3, s, s) of 0..255 to normalised float32, zero where padded."""
    rows, columns = ~view.padding[:, :, 0], ~view.padding[:, 0]  # it is right and bottom
    images = _normal(view.images, columns).mul_(rows[:, None, :, None])
    return replace(view, images=images, crops=None if view.crops is None else _normal(view.crops))


def _normal(pixels: Tensor, there: Tensor | None = None) -> Tensor:
    """New floats (…, 3, H, W), zero in columns that are not `there` (…, W), made along whole lines."""
    width, device = pixels.shape[-1], pixels.device
    mean, deviation = (255 * torch.tensor(of) for of in (MEAN, DEVIATION))
    scale, shift = (
        of.to(device, non_blocking=True).repeat(width) for of in (1 / deviation, -mean / deviation)
    )  # (3W,)
    if there is not None:
        columns = there.repeat_interleave(3, dim=-1)[..., None, :]  # (…, 1, 3W)
        scale, shift = scale * columns, shift * columns
    lines = pixels.movedim(-3, -1).flatten(-2)  # (…, H, 3W)
    dtype = torch.promote_types(pixels.dtype, torch.float32)
    lines = lines.to(dtype, memory_format=torch.contiguous_format, copy=True)  # the only new memory
    return torch.addcmul(shift, lines, scale, out=lines).view(*lines.shape[:-1], width, 3).movedim(-1, -3)
