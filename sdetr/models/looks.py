"""Where queries look: how much of each token of the memory a decoder layer's cross-attention takes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.attention import AddCrossAttention, ConditionalCrossAttention, Place
from sdetr.models.deformable import DeformableCrossAttention
from sdetr.models.detector import Detector
from sdetr.types import Memory

CrossAttention = AddCrossAttention | ConditionalCrossAttention | DeformableCrossAttention


@dataclass
class Looks:
    """What went into a cross-attention the last time."""

    attention: CrossAttention
    inputs: list[Any] = field(default_factory=list)

    @torch.no_grad()
    def of(self, image: int, queries: Tensor) -> Tensor:
        """(K, M): of these queries of an image, over all tokens, the mean of its heads; each adds up to 1.

        Of deformable attention a sample that falls beyond the image's edge is nobody's, so it may be less.
        Raises ValueError where nothing was looked at yet.
        """
        if not self.inputs:
            raise ValueError("nothing was decoded yet, so nobody has looked anywhere")
        x, place, memory = self.inputs
        chosen = Place(*(_of(image, queries, part) for part in (place.position, place.reference, place.sine)))
        part = self.attention.taken(x[image : image + 1, queries], chosen, _one(memory, image))
        return part[0].mean(dim=0)


@contextmanager
def last_looks(detector: Detector) -> Iterator[Looks]:
    """Of the decoder's last layer, whenever the detector decodes inside the block."""
    attention = detector.decoder.layers[-1].cross_attention
    assert isinstance(attention, CrossAttention)
    looks = Looks(attention)

    def kept(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        looks.inputs[:] = inputs

    handle = attention.register_forward_pre_hook(kept)
    try:
        yield looks
    finally:
        handle.remove()


def on_levels(weights: Tensor, memory: Memory) -> list[Tensor]:
    """(K, M) → (K, h, w) for each level of the memory."""
    parts = torch.split(weights, [h * w for h, w in memory.shapes], dim=1)
    return [part.reshape(-1, *shape) for part, shape in zip(parts, memory.shapes, strict=True)]


def over_image(levels: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """(K, h, w) of each level → (K, H, W) on the CPU: what is taken of each pixel, the largest 1."""
    whole = torch.zeros(len(levels[0]), *size)
    for level in levels:
        share = level.cpu()[:, None] * (level.shape[1] * level.shape[2])  # a cell of many pixels spreads thin
        whole += F.interpolate(share, size, mode="bilinear", align_corners=False)[:, 0]
    return whole / whole.flatten(1).amax(dim=1).clamp(min=1e-12)[:, None, None]


def _of(image: int, queries: Tensor, part: Tensor | None) -> Any:
    return None if part is None else part[image : image + 1, queries]


def _one(memory: Memory, image: int) -> Memory:
    one = slice(image, image + 1)
    return Memory(
        memory.tokens[one],
        memory.position[one],
        memory.padding[one],
        memory.shapes,
        memory.valid[one],
        memory.centres[one],
        [],
    )
