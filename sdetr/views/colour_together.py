"""Colours of all images at once, whatever is due to each: a fixed number of operations, for a GPU."""

import torch
from torch import Tensor
from torch.nn import functional as F

from sdetr.views.colour_draws import CONTRAST, GRAY, HUE, SATURATION, Draws


def painted_together(images: Tensor, draws: Draws, reach: int, padding: Tensor | None = None) -> Tensor:
    """(M, 3, H, W) bytes → float32 in 0..255, 0 where `padding` (M, H, W); a blur reaches `reach` pixels."""
    inside = None if padding is None else ~padding[:, None]
    colours = jittered(images.float() / 255, draws, inside)
    colours = torch.where(_on(draws.gray, colours), gray_of(colours), colours)
    chosen = draws.blur_px.nonzero()[:, 0]
    if len(chosen):
        where = chosen.to(images.device, non_blocking=True)
        within = None if inside is None else inside[where]
        colours[where] = blurred(colours[where], draws.blur_px[chosen], reach, within)
    return colours * 255 if inside is None else colours * inside * 255


def jittered(images: Tensor, draws: Draws, inside: Tensor | None = None) -> Tensor:
    """(M, 3, H, W) in 0..1 → the same; brightness, contrast, saturation and hue in each image's own order.

    The first three mix the image with black, with its mean gray, and with itself in gray, so one formula does
    what is due next in every image, whichever it is.
    """
    for step in range(4):
        due = draws.order[:, step]
        mixed = due != HUE
        factor = torch.where(mixed, draws.factors.gather(1, due[:, None])[:, 0], 1.0)
        gray = gray_of(images)
        other = _on(due == CONTRAST, images) * _mean(gray, inside) + _on(due == SATURATION, images) * gray
        images = other.lerp(images, _on(factor, images)).clamp(0, 1)
        turned = (~mixed & (draws.factors[:, HUE] != 0)).nonzero()[:, 0]
        if len(turned):
            where = turned.to(images.device, non_blocking=True)
            images[where] = hue_turned(images[where], draws.factors[turned, HUE])
    return images


def gray_of(images: Tensor) -> Tensor:
    """(M, 3, H, W) → (M, 1, H, W)."""
    return sum(share * images[:, i : i + 1] for i, share in enumerate(GRAY))  # type: ignore[return-value]


def hue_turned(images: Tensor, turns: Tensor) -> Tensor:
    """(M, 3, H, W) in 0..1, turned around the colour circle by a share of it, (M,)."""
    red, green, blue = images.unbind(1)
    value, first = images.max(dim=1)  # (M, H, W); the first of equal channels
    chroma = value - images.amin(dim=1)
    safe = chroma.clamp(min=1e-12)
    sixths = torch.stack([green - blue, blue - red, red - green], dim=1) / safe[:, None]  # (M, 3, H, W)
    hue = sixths.gather(1, first[:, None]) + 2 * first[:, None] + 6 * _on(turns, images)  # (M, 1, H, W)
    offsets = torch.tensor([5.0, 3.0, 1.0]).view(3, 1, 1).to(images.device, non_blocking=True)
    place = (hue + offsets) % 6  # (M, 3, H, W)
    return value[:, None] - chroma[:, None] * torch.minimum(place, 4 - place).clamp(0, 1)


def blurred(images: Tensor, deviations_px: Tensor, reach: int, inside: Tensor | None = None) -> Tensor:
    """(M, 3, H, W), each with a Gaussian of its own (M,); at a border its edge goes on beyond it."""
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernels = torch.exp(-((offsets / deviations_px[:, None]) ** 2) / 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).to(images.device, non_blocking=True)  # (M, K)
    there = torch.ones_like(images[:, :1], dtype=torch.bool) if inside is None else inside
    for dim in (2, 3):
        last = there.any(dim=5 - dim, keepdim=True).sum(dim=dim, keepdim=True) - 1  # (M, 1, 1, 1)
        places = torch.arange(-reach, images.shape[dim] + reach, device=images.device).clamp(min=0)
        places = torch.minimum(places.view((-1, 1) if dim == 2 else (1, -1)), last.clamp(min=0))
        shape = [*images.shape]
        shape[dim] += 2 * reach
        images = _convolved(images.gather(dim, places.expand(shape)), kernels, dim)
    return images


def _convolved(images: Tensor, kernels: Tensor, dim: int) -> Tensor:
    """Each of (M, C, H, W) with its own kernel of (M, K) along a dimension, which it shortens by K - 1."""
    m, c = images.shape[:2]
    shape = (-1, 1) if dim == 2 else (1, -1)
    stacked = kernels.repeat_interleave(c, dim=0).view(m * c, 1, *shape)
    lines = F.conv2d(images.flatten(0, 1)[None], stacked, groups=m * c)
    return lines.view(m, c, *lines.shape[2:])


def _mean(gray: Tensor, inside: Tensor | None) -> Tensor:
    """(M, 1, H, W) → (M, 1, 1, 1): the mean of what is image."""
    if inside is None:
        return gray.mean(dim=(2, 3), keepdim=True)
    return (gray * inside).sum(dim=(2, 3), keepdim=True) / inside.sum(dim=(2, 3), keepdim=True)


def _on(values: Tensor, images: Tensor) -> Tensor:
    """(M,) → (M, 1, 1, 1) beside the images."""
    return values.to(images.device, non_blocking=True)[:, None, None, None]
