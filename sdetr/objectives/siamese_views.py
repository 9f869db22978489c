"""Both directions as one batch: what is searched stands in a row, its twin half a batch away."""

import torch
from torch import Tensor

from sdetr.types import View


def stacked(one: View, two: View) -> View:
    """Two views of B images, padded to one size → one view of 2B rows."""
    return View(
        images=torch.cat([one.images, two.images]),
        padding=torch.cat([one.padding, two.padding]),
        image_ids=one.image_ids + two.image_ids,
        boxes=one.boxes + two.boxes,
        labels=one.labels + two.labels,
        crops=_joined(one.crops, two.crops),
        maps=_together(one.maps, two.maps),
        crop_features=_joined(one.crop_features, two.crop_features),
    )


def twins(rows: Tensor) -> Tensor:
    """(2B, …) → (2B, …): in every row, what its twin has."""
    return rows.roll(len(rows) // 2, dims=0)


def of_first_images(rows: Tensor) -> Tensor:
    """(2B, …) → (2B, …): in every row, what the first image of its view has."""
    return torch.cat([view[:1].expand_as(view) for view in rows.chunk(2)])


def _joined(one: Tensor | None, two: Tensor | None) -> Tensor | None:
    assert (one is None) == (two is None)
    return None if one is None or two is None else torch.cat([one, two])


def _together(one: list[Tensor] | None, two: list[Tensor] | None) -> list[Tensor] | None:
    assert (one is None) == (two is None)
    return None if one is None or two is None else [torch.cat(pair) for pair in zip(one, two, strict=True)]
