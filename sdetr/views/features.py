"""Features of planned views and of their crops, made ahead by a frozen backbone: one file per plan."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from sdetr.files import sha256, written_whole
from sdetr.types import View
from sdetr.views.pairs import Pair
from sdetr.views.stack import without_pixels
from sdetr.views.store import ViewPlan

STORED = torch.float16
"""Half the bytes; its 11 bits are finer than the colour noise that the features carry."""


class Features:
    """Maps and crop features by their place in the plan: draws one after another."""

    def __init__(self, path: Path, plan: ViewPlan) -> None:
        """Raises FileNotFoundError, or ValueError if these are not the features of `plan`."""
        if not path.exists():
            raise FileNotFoundError(f"no features {path}; `sdetr features` makes them")
        try:
            with safe_open(path, framework="pt") as file:
                about = json.loads((file.metadata() or {})["features"])
                self._cells = file.get_tensor("cells")  # (cells of all views, C)
                self._crops = file.get_tensor("crops")  # (pairs, 2, R, C)
                self._shapes = file.get_tensor("shapes")  # (pairs, 2) h, w of both views' maps
        except (SafetensorError, KeyError) as error:
            raise ValueError(f"{path} holds no features of views ({error!r}); make it again") from error
        if about["plan"] != sha256(plan.path):
            raise ValueError(f"{path} was made for other views than {plan.path}; make it again")
        self.stride: int = about["stride"]
        self._offsets = torch.cat([torch.zeros(1, dtype=torch.int64), 2 * self._shapes.prod(1).cumsum(0)])

    def views(self, pairs: Sequence[Pair], numbers: Sequence[int], shape: tuple[int, int]) -> list[View]:
        """View 1 and view 2 of B pairs, `numbers` in the plan, with maps and crop features, float32.

        `shape` (H, W) is rounded up to whole cells, so that every cell is image or padding as it would be in
        a map of the view alone.
        """
        size = [-(-side // self.stride) for side in shape]
        blank = without_pixels(pairs, (size[0] * self.stride, size[1] * self.stride))
        maps = torch.zeros(2, len(pairs), self._cells.shape[1], *size)
        for i, number in enumerate(numbers):
            h, w = self._shapes[number].tolist()
            cells = self._cells[self._offsets[number] : self._offsets[number + 1]]
            maps[:, i, :, :h, :w] = cells.unflatten(0, (2, h, w)).permute(0, 3, 1, 2)
        crops = self._crops[list(numbers)].float().unbind(1)
        return [
            replace(view, maps=[maps[which]], crop_features=crops[which]) for which, view in enumerate(blank)
        ]


def write_features(
    path: Path, plan: ViewPlan, maps: Sequence[Tensor], crops: Sequence[Tensor], stride: int
) -> None:
    """Of every pair in the plan's order: maps (2, C, h, w), crops (2, R, C). Equal ones give equal bytes."""
    tensors = {
        "cells": torch.cat([pair.permute(0, 2, 3, 1).flatten(0, 2) for pair in maps]).to(STORED),
        "crops": torch.stack(list(crops)).to(STORED),
        "shapes": torch.tensor([pair.shape[2:] for pair in maps]),
    }
    for name in ("cells", "crops"):
        if not tensors[name].isfinite().all():
            raise ValueError(
                f"features for {plan.path}: {name} beyond {torch.finfo(STORED).max}; standardise"
            )
    about = {"plan": sha256(plan.path), "stride": stride}
    with written_whole(path) as temporary:
        save_file(tensors, temporary, {"features": json.dumps(about)})
