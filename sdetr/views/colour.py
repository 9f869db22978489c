"""Colour augmentation of many images, each with its own draw (SimSiam's, arXiv:2011.10566 §A)."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from sdetr.types import View
from sdetr.views.colour_apart import painted_apart
from sdetr.views.colour_draws import draw
from sdetr.views.colour_together import painted_together
from sdetr.views.settings import ColourSettings


class Colour:
    """Jitter in an order of each image's own, then perhaps gray, then perhaps a blur."""

    def __init__(self, settings: ColourSettings) -> None:
        self._settings = settings
        self._reach = math.ceil(3 * settings.blur_px[1])  # not the batch's: images are independent

    def __call__(
        self, images: Tensor, padding: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """(M, 3, H, W) bytes → 0..255 on their device: bytes on a CPU, float32 elsewhere.

        Where `padding` (M, H, W) is True, right and bottom, pixels stay 0 and change nothing of an image.
        Draws come from torch's generator of the host unless another one is given: the same on any device.
        """
        draws = draw(self._settings, len(images), generator)
        if images.device.type == "cpu":
            return painted_apart(images, draws, padding)
        return painted_together(images, draws, self._reach, padding)


def coloured(view: View, colour: Colour) -> View:
    """The view with new colours, the crops with others, all in 0..255; one whose features are there stays."""
    if view.maps is not None:
        return view
    return crops_coloured(replace(view, images=colour(view.images, view.padding)), colour)


def crops_coloured(view: View, colour: Colour) -> View:
    """The view as it is, the crops with new colours, in 0..255."""
    if view.crops is None:
        return view
    crops = colour(view.crops.flatten(0, 1)).view_as(view.crops)
    return replace(view, crops=crops)
