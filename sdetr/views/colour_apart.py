"""The same colours an image at a time: it stays in a CPU's cache, and only what is due to it is done.

Every operation rounds as its counterpart in `colour_together` does on a CPU: on x86 the bits are the same.
"""

import math

import torch
from torch import Tensor

from sdetr.views.colour_draws import CONTRAST, GRAY, HUE, SATURATION, Draws

BAND = 128 * 128
"""Pixels that are worked on at a time: with what is kept beside them they fit into the cache of a core."""
PLANES = 10
"""What a turn of hue keeps beside them, numbers per pixel."""
LINES = 13
"""What a blur does, margins and all."""


@torch.inference_mode()  # a small operation costs little more than its call: nothing is watched meanwhile
def painted_apart(images: Tensor, draws: Draws, reach: int, padding: Tensor | None = None) -> Tensor:
    """(M, 3, H, W) bytes → float32 in 0..255, 0 where `padding` (M, H, W); a blur reaches `reach` pixels."""
    height, width = images.shape[2:]
    with torch.inference_mode(False):
        painted = torch.zeros(images.shape)
    sizes = [(height, width)] * len(images) if padding is None else _sizes(padding)
    columns = [*(column.tolist() for column in draws), _kernels(draws.blur_px, reach)]
    spare = torch.empty(LINES * (BAND + max(height, width) + 2 * reach))  # a band may be one long line
    due = zip(images, sizes, *columns, painted, strict=True)
    for image, (h, w), order, factors, gray, blur_px, taps, out in due:
        canvas = None if padding is None else torch.zeros(height, width)
        image = image[:, :h, :w].to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        for which in order:
            _jitter(image, which, factors[which], canvas, spare)
        if gray:
            image.copy_(_gray(image))
        if blur_px:
            _blur(image, taps, spare)
        torch.mul(image, 255, out=out[:, :h, :w])
    return painted


def _sizes(padding: Tensor) -> list[tuple[int, int]]:
    """(M, H, W), True right and bottom → (H, W) of each image."""
    there = ~padding
    return list(zip(there[:, :, 0].sum(1).tolist(), there[:, 0].sum(1).tolist(), strict=True))


def _jitter(image: Tensor, which: int, factor: float, canvas: Tensor | None, spare: Tensor) -> None:
    """One of the four, in place, of (3, H, W) in 0..1; a mean gray adds up the whole `canvas` (H, W)."""
    if factor == (which != HUE):  # 1, 1, 1, 0
        return
    mean = _mean(_gray(image), canvas) if which == CONTRAST else torch.zeros(())
    for band in _bands(image, 1):
        if which == HUE:
            _turn_hue(band, factor, spare)
            continue
        torch.lerp(_gray(band) if which == SATURATION else mean, band, factor, out=band)
        if factor > 1:  # a mixture is between what it is of
            band.clamp_(0, 1)


def _bands(image: Tensor, dim: int, margin: int = 0) -> tuple[Tensor, ...]:
    """(3, H, W), cut along a side into parts of `BAND` pixels, a margin at the other side included."""
    return torch.split(image, max(1, BAND // (image.shape[3 - dim] + margin)), dim)


def _gray(image: Tensor) -> Tensor:
    """(3, H, W) → (H, W)."""
    red, green, blue = image.unbind()
    gray = red * GRAY[0]
    gray += green * GRAY[1]
    gray += blue * GRAY[2]
    return gray


def _mean(gray: Tensor, canvas: Tensor | None) -> Tensor:
    """(H, W) → its mean, (); added up in the order of a padded image."""
    if canvas is None:
        return gray.mean()
    canvas[: gray.shape[0], : gray.shape[1]] = gray
    return canvas.sum() / gray.numel()


def _turn_hue(image: Tensor, turn: float, spare: Tensor) -> None:
    """In place, (3, H, W) in 0..1, around the colour circle by a share of it.

    Masks are floats: to compare and to choose by bools costs five times as much as to multiply.
    """
    red, green, blue = image.unbind()
    planes = _shaped(spare, PLANES, *image.shape[1:])
    value, chroma, is_red, is_green, is_blue, hue, more = planes[:7].unbind()
    torch.maximum(torch.maximum(red, green, out=value), blue, out=value)
    torch.minimum(torch.minimum(red, green, out=chroma), blue, out=chroma)
    torch.sub(value, chroma, out=chroma)
    torch.eq(red, value, out=is_red)
    torch.eq(green, value, out=is_green).sub_(is_red).clamp_(0, 1)  # the first of equal channels
    torch.sub(1, is_red, out=is_blue).sub_(is_green)
    torch.sub(green, blue, out=hue).mul_(is_red)
    hue.addcmul_(torch.sub(blue, red, out=more), is_green)
    hue.addcmul_(torch.sub(red, green, out=more), is_blue)
    hue /= torch.clamp(chroma, min=1e-12, out=more)
    first = torch.add(is_green, is_blue, alpha=2, out=more)
    hue.add_(first, alpha=2).add_(6 * turn)
    place = torch.add(hue, torch.tensor([5.0, 3.0, 1.0]).view(3, 1, 1), out=image)
    rounds = torch.div(place, 6, out=planes[7:]).floor_()
    place.add_(rounds, alpha=-6)
    torch.minimum(place, torch.sub(4, place, out=rounds), out=place).clamp_(0, 1).mul_(chroma)
    torch.sub(value, place, out=image)


def _kernels(deviations_px: Tensor, reach: int) -> list[list[float]]:
    """(M,) → Gaussians of 2 `reach` + 1 taps; anything for those of no width."""
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernels = torch.exp(-((offsets / deviations_px[:, None]) ** 2) / 2)
    taps: list[list[float]] = (kernels / kernels.sum(dim=1, keepdim=True)).tolist()
    return taps


def _blur(image: Tensor, taps: list[float], spare: Tensor) -> None:
    """(3, H, W) in place, along one side and then the other; at a border the mean is of what is there."""
    for dim, beside in ((1, 2), (2, 1)):
        for band in _bands(image, beside, len(taps)):
            _blur_along(band, dim, beside, taps, spare)


def _blur_along(image: Tensor, dim: int, beside: int, taps: list[float], spare: Tensor) -> None:
    """Lines are laid one after the other with room for the shifts between them, so that a shifted image is
    one long line that is weighed and added. Another, of ones, says how much of the taps is on the image.
    """
    reach, side, shape = len(taps) // 2, image.shape[dim], list(image.shape)
    shape[dim], shape[beside] = side + 2 * reach, image.shape[beside] + 1
    length, step = math.prod(shape), shape[2] if dim == 1 else 1
    total, laid = spare[:length], spare[length : 2 * length + 2 * reach * step].zero_()
    lines = laid[:length].view(shape).narrow(dim, reach, side)
    lines.narrow(beside, 0, shape[beside] - 1).copy_(image)
    lines.select(beside, -1).fill_(1)
    first, *others = laid.unfold(0, length, step).unbind()
    torch.mul(first, taps[0], out=total)
    for shifted, tap in zip(others, taps[1:], strict=True):
        total.add_(shifted, alpha=tap)
    sums = total.view(shape).narrow(dim, 0, side)
    torch.div(sums.narrow(beside, 0, shape[beside] - 1), sums.narrow(beside, -1, 1), out=image)


def _shaped(spare: Tensor, *shape: int) -> Tensor:
    return spare[: math.prod(shape)].view(shape)
