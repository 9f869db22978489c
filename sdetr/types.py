"""What travels between the rooms, and the letters its shapes are written in.

B images, Q queries, N boxes of an image, L decoder layers, D width, C classes or channels, M memory tokens,
H W pixels, h w cells of a feature map. A mask is named after what True means. Boxes are cxcywh in fractions
of the unpadded image unless a name says otherwise.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class View:
    """A padded stack of images and what is known about each of them."""

    images: Tensor  # (B, 3, H, W): uint8 from the loader, normalised float on the device; zero where padded
    padding: Tensor  # (B, H, W) bool, True where there is no image (right and bottom)
    image_ids: list[int]
    boxes: list[Tensor] = field(default_factory=list)  # B × (N, 4) cxcywh fractions of the unpadded image
    labels: list[Tensor] = field(default_factory=list)  # B × (N,) int64, contiguous from 0
    crops: Tensor | None = (
        None  # (B, N, 3, s, s) like images: what is inside each box, where all have N boxes
    )
    maps: list[Tensor] | None = None  # frozen backbone maps of the images, (B, C, h, w) each, if made ahead
    crop_features: Tensor | None = None  # (B, N, C) frozen features of the crops, if made ahead
    shown: Tensor | None = (
        None  # (B, H, W) int16: number of the box whose object a pixel shows, −1 where none
    )

    def to(self, device: torch.device) -> Self:
        def move(tensors: list[Tensor]) -> list[Tensor]:
            return [t.to(device, non_blocking=True) for t in tensors]

        def maybe(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device, non_blocking=True)

        return replace(
            self,
            images=self.images.to(device, non_blocking=True),
            padding=self.padding.to(device, non_blocking=True),
            boxes=move(self.boxes),
            labels=move(self.labels),
            crops=maybe(self.crops),
            maps=None if self.maps is None else move(self.maps),
            crop_features=maybe(self.crop_features),
            shown=maybe(self.shown),
        )


@dataclass(frozen=True)
class Memory:
    """An encoded view: the tokens that queries attend to."""

    tokens: Tensor  # (B, M, D)
    position: Tensor  # (B, M, D), level embedding included
    padding: Tensor  # (B, M) bool
    shapes: list[tuple[int, int]]  # (h, w) of each level, Python ints: nothing waits for the device
    valid: Tensor  # (B, levels, 2) share of each level that is image, (x, y)
    centres: Tensor  # (B, M, 2) where each token stands, in fractions of the unpadded image
    maps: list[Tensor]  # the backbone's maps that fed the neck, (B, C, h, w) each; all, with a mask head
    unencoded: Tensor | None = None  # (B, M, D) tokens before the encoder, kept for a mask head


@dataclass(frozen=True)
class Extra:
    """Queries that a caller brings along."""

    content: Tensor  # (B, K, D)
    reference: Tensor  # (B, K, 4) in 0..1


@dataclass(frozen=True)
class Ask:
    """What a caller wants the queries to know, beside what the detector itself has learned to ask."""

    content: Tensor | None = None  # (B, Q, D)
    position: Tensor | None = None  # (B, Q, D); also moves the reference where that is made from it
    reference: Tensor | None = None  # (B, Q, 2 | 4) in 0..1, replaces the learned one
    blocked: Tensor | None = None  # (Q, Q) bool, True = may not attend; one for the whole batch
    extra: "Extra | None" = None  # queries in front of the detector's own; `blocked` counts them, too


@dataclass(frozen=True)
class FirstStage:
    """What a two-stage encoder says of every token."""

    logits: Tensor  # (B, M, C)
    boxes: Tensor  # (B, M, 4); all ones where a token is padding or too near to an edge


@dataclass(frozen=True)
class Predictions:
    """Every decoder layer's answer; the last is the detector's."""

    logits: Tensor  # (L, B, Q, C)
    boxes: Tensor  # (L, B, Q, 4)
    hidden: Tensor  # (L, B, Q, D), after the decoder's norm
    references: list[Tensor]  # L × (B, Q, 2 | 4), what each layer's box is an offset from; empty without
    first_stage: "FirstStage | None" = None
