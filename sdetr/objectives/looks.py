"""How regions look: what the backbone says about crops of them."""

import torch
from torch import Tensor

from sdetr.models.detector import Detector
from sdetr.precision import exact
from sdetr.types import View


def crop_features(detector: Detector, view: View) -> Tensor:
    """Averages of the maps of every crop by itself, side by side, (B, N, ΣC), unless they were made ahead.

    Raises ValueError when the view has neither, or what was made ahead is of other maps.
    """
    if view.crop_features is not None:
        found, expected = view.crop_features.shape[-1], sum(detector.backbone.channels[-detector.read :])
        if found != expected:
            raise ValueError(f"features of crops made ahead are {found} wide; this detector reads {expected}")
        return view.crop_features
    if view.crops is None:
        raise ValueError("views have neither crops nor crop_features, one of which says how regions look")
    maps = detector.features(view.crops.flatten(0, 1))[-detector.read :]  # (B·N, C, h, w) each
    means = torch.cat([exact(cells).mean(dim=(2, 3)) for cells in maps], dim=-1)
    return means.view(*view.crops.shape[:2], -1)
