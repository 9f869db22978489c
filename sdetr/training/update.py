"""Gradients of one optimiser step: micro-batches add up to the batch; nonsense never reaches the weights."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from sdetr.data.normalise import normalise
from sdetr.objectives.objective import Objective
from sdetr.types import View


def gradients(
    objective: Objective, batch: View, micro_batch: int | None, device: torch.device
) -> dict[str, Tensor]:
    """Backward through every micro-batch. Returns the batch's losses and their weighted `total`, () each."""
    parts = split(batch, micro_batch or len(batch.image_ids))
    normaliser = objective.normaliser(parts)
    sums: dict[str, Tensor] = {}
    for part in parts:
        view = normalise(part.to(device))
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            losses = objective([view], normaliser)
        total = torch.stack([objective.weights[name] * value for name, value in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        for name, value in {"total": total, **losses}.items():
            sums[name] = sums.get(name, torch.zeros((), device=device)) + value.detach()
    return sums


def split(view: View, size: int) -> list[View]:
    """Views of `size` images; all keep the padding of the whole, so that no image's features change."""
    starts = range(0, len(view.image_ids), size)
    return [
        replace(
            view,
            images=view.images[i : i + size],
            padding=view.padding[i : i + size],
            image_ids=view.image_ids[i : i + size],
            boxes=view.boxes[i : i + size],
            labels=view.labels[i : i + size],
        )
        for i in starts
    ]


def clip_or_refuse(
    objective: nn.Module, losses: dict[str, Tensor], largest: float, step: int, batch: View
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
    raise FloatingPointError(
        f"step {step}: {', '.join(bad) or 'norm of the gradient'} not finite, on images {batch.image_ids}; "
        "nothing was updated, the last saved state is good: look at these images, or lower the learning rate"
    )
