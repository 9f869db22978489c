"""What chance decides about the colours of an image (SimSiam's recipe, arXiv:2011.10566 §A)."""

from typing import NamedTuple

import torch
from torch import Tensor

from sdetr.views.settings import ColourSettings

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
GRAY = (0.2989, 0.587, 0.114)  # ITU-R BT.601


class Draws(NamedTuple):
    """What happens to M images; kept on the host, so that nothing waits for the device."""

    order: Tensor  # (M, 4): which of the four jitters comes first, second, …
    factors: Tensor  # (M, 4): 1, 1, 1, 0 do nothing; the last is a share of the colour circle
    gray: Tensor  # (M,) bool
    blur_px: Tensor  # (M,) standard deviation, 0 for none


def draw(settings: ColourSettings, count: int, generator: torch.Generator | None = None) -> Draws:
    """What happens to `count` images; from torch's generator of the host unless another one is given."""
    chances = torch.rand(count, 3, generator=generator)
    order = torch.rand(count, 4, generator=generator).argsort(dim=1)
    spread = torch.tensor([settings.brightness, settings.contrast, settings.saturation, settings.hue])
    middle = torch.tensor([1.0, 1.0, 1.0, 0.0])
    lowest = torch.maximum(middle - spread, torch.tensor([0.0, 0.0, 0.0, -0.5]))
    factors = lowest + torch.rand(count, 4, generator=generator) * (middle + spread - lowest)
    factors = torch.where(chances[:, :1] < settings.jitter, factors, middle)
    low, high = settings.blur_px
    blur_px = low + torch.rand(count, generator=generator) * (high - low)
    return Draws(order, factors, chances[:, 1] < settings.gray, blur_px * (chances[:, 2] < settings.blur))
