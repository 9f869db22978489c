"""Gradients of one optimiser step: micro-batches add up to the batch; nonsense never reaches the weights."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from sdetr.data.normalise import normalise
from sdetr.objectives.objective import Objective
from sdetr.training.ranks import ALONE, Ranks
from sdetr.types import View

Batch = list[View]
"""The views of one optimiser step: one of each image, or several that belong together."""

Prepare = Callable[[View], View]
"""Bytes on the device → what a detector sees."""


def gradients(
    objective: Objective,
    batch: Batch,
    micro_batch: int | None,
    device: torch.device,
    prepare: Prepare = normalise,
    half: bool = False,
    ranks: Ranks = ALONE,
) -> dict[str, Tensor]:
    """Backward through every micro-batch. Returns the batch's losses and their weighted `total`, () each.

    `half`: all but places, boxes and losses in bfloat16, where the device is a GPU. `batch` is this
    rank's part; gradients and losses are those of the whole.
    """
    size = micro_batch or len(batch[0].image_ids)
    parts = [list(views) for views in zip(*(split(view, size) for view in batch), strict=True)]
    normaliser = ranks.sums(objective.normaliser(parts))
    sums: dict[str, Tensor] = {}
    for part in parts:
        views = [prepare(view.to(device)) for view in part]
        with torch.autocast(device.type, torch.bfloat16, enabled=half and device.type == "cuda"):
            losses = objective(views, normaliser)
        total = torch.stack([objective.weights[name] * value for name, value in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        for name, value in {"total": total, **losses}.items():
            sums[name] = sums.get(name, torch.zeros((), device=device)) + value.detach()
    ranks.add_up_gradients(objective)
    return dict(zip(sums, ranks.add_up(list(sums.values())), strict=True))


def split(view: View, size: int) -> list[View]:
    """Views of `size` images; all keep the padding of the whole, so that no image's features change."""
    starts = range(0, len(view.image_ids), size)
    return [_slice(view, slice(i, i + size)) for i in starts]


def _slice(view: View, part: slice) -> View:
    return replace(
        view,
        images=view.images[part],
        padding=view.padding[part],
        image_ids=view.image_ids[part],
        boxes=view.boxes[part],
        labels=view.labels[part],
        crops=None if view.crops is None else view.crops[part],
        maps=None if view.maps is None else [stage[part] for stage in view.maps],
        crop_features=None if view.crop_features is None else view.crop_features[part],
        shown=None if view.shown is None else view.shown[part],
    )


def clip_or_refuse(
    objective: nn.Module, losses: dict[str, Tensor], largest: float, step: int, batch: Batch
) -> Tensor:
    """Clips the gradient to a global L2 norm and returns the norm it had, ().

    Raises FloatingPointError when losses or gradient are not finite; no weight has been touched then. That
    costs one wait for the device per step, the price of stopping before the damage.
    """
    named = [(name, p.grad) for name, p in objective.named_parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm([grad for _, grad in named])
    if torch.stack([losses["total"], norm]).isfinite().all():
        nn.utils.clip_grads_with_norm_(objective.parameters(), largest, norm)
        return norm
    bad = [name for name, value in losses.items() if not value.isfinite()]
    bad = bad or [f"gradient of {name}" for name, grad in named if not grad.isfinite().all()]
    what, images = ", ".join(bad) or "norm of the gradient", batch[0].image_ids
    raise FloatingPointError(
        f"step {step}: {what} not finite, on images {images}; "
        "nothing was updated, the last saved state is good: look at these images, or lower the learning rate"
    )
