"""Tensors of a file that anyone may have written are plain finite numbers, all of them stored."""

from collections.abc import Mapping

import torch
from torch import Tensor

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def refuse_unsound(state: Mapping[str, Tensor], source: str) -> None:
    """Raises ValueError, by its key, for the first tensor that a weight cannot be. Allocates little."""
    for key, tensor in state.items():
        if found := _fault(tensor, counts=key.endswith("num_batches_tracked")):
            raise ValueError(f"{source}: {key} {found}, expected finite floating-point numbers")


def _fault(tensor: Tensor, counts: bool) -> str | None:
    if tensor.is_meta:
        return "has a shape, but no numbers"
    if tensor.is_quantized or not (tensor.dtype in FLOATS or (counts and tensor.dtype == torch.int64)):
        return f"is of type {str(tensor.dtype).removeprefix('torch.')}"
    stored = tensor.untyped_storage().nbytes() // tensor.element_size()
    if tensor.numel() > stored:  # repeated by a stride of 0: a copy of it would need them all
        return f"has the shape {tuple(tensor.shape)}, but only {stored} numbers are stored"
    if not torch.isfinite(tensor.float()).all():  # in float32, as all weights here are
        return "has numbers that are not finite in float32"
    return None
