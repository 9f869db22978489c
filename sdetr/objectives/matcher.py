"""The cheapest one-to-one assignment of queries to objects, in every layer (arXiv:2005.12872 §3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from sdetr.boxes import cxcywh_to_xyxy, giou
from sdetr.models.settings import Weights3
from sdetr.objectives.targets import Targets
from sdetr.precision import exact
from sdetr.types import Predictions

ALPHA, GAMMA = 0.25, 2.0
"""Of the focal loss and of its cost (arXiv:1708.02002)."""


@dataclass(frozen=True)
class Pairs:
    """Who answers for what; an image's pairs stand together, in the order of its objects."""

    image: Tensor  # (P,) int64
    query: Tensor  # (L, P) int64
    target: Tensor  # (L, P) int64, number of the object within its image

    @cached_property
    def layer(self) -> Tensor:
        """(L, 1) int64, to index beside (L, P)."""
        return torch.arange(len(self.query), device=self.query.device)[:, None]


@dataclass(frozen=True)
class Stage:
    """Who says what, and what there is to find."""

    predictions: Predictions
    targets: Targets
    layer: str = "decoder layer"
    """What a message calls one of the stage's layers."""


def match(predictions: Predictions, targets: Targets, cost: Weights3, focal: bool) -> Pairs:
    """Matches the decoder's layers alone."""
    (pairs,) = match_stages([Stage(predictions, targets)], cost, focal)
    return pairs


@torch.no_grad()
def match_stages(stages: Sequence[Stage], cost: Weights3, focal: bool) -> list[Pairs]:
    """Matches all layers of all stages with one copy to the host.

    Raises FloatingPointError, naming the image, if a prediction or target box is not finite.
    """
    tables = [_table(stage.predictions, stage.targets, cost, focal) for stage in stages]
    together = torch.cat([table.flatten() for table in tables])
    host = together.cpu().numpy().astype(np.float64)  # the one wait for the device
    ends = np.cumsum([table.numel() for table in tables])
    parts = np.split(host, ends[:-1])
    return [
        _pairs(part.reshape(table.shape), stage)
        for part, table, stage in zip(parts, tables, stages, strict=True)
    ]


def _table(predictions: Predictions, targets: Targets, cost: Weights3, focal: bool) -> Tensor:
    """(L, B, N + 1, Q): costs, and whether a query's own numbers are finite, also with nothing to match."""
    sound = (predictions.boxes.sum(-1) + predictions.logits.sum(-1).to(predictions.boxes))[:, :, None]
    return torch.cat([pair_costs(predictions, targets, cost, focal), sound], dim=2)


def _pairs(host: np.ndarray, stage: Stage) -> Pairs:
    counts = stage.targets.counts
    _refuse_not_finite(host, stage)
    layers = [
        [linear_sum_assignment(host[layer, i, :count]) for i, count in enumerate(counts)]
        for layer in range(len(host))
    ]
    target = np.stack([np.concatenate([rows for rows, _ in images]) for images in layers])
    query = np.stack([np.concatenate([columns for _, columns in images]) for images in layers])
    image = np.repeat(np.arange(len(counts)), [len(rows) for rows, _ in layers[0]])
    packed = torch.from_numpy(np.concatenate([image[None], query, target]))  # (1 + 2L, P)
    packed = packed.to(stage.targets.boxes.device, non_blocking=True)
    return Pairs(packed[0], *packed[1:].chunk(2))


def pair_costs(predictions: Predictions, targets: Targets, cost: Weights3, focal: bool) -> Tensor:
    """What every query would cost every object, (L, B, N, Q)."""
    logits, boxes = exact(predictions.logits), exact(predictions.boxes)
    rows = targets.labels[None, :, None].expand(*logits.shape[:3], -1)  # (L, B, Q, N)
    # of the object's own class; a sigmoid looks at no other
    chance = logits.gather(3, rows).sigmoid() if focal else logits.softmax(dim=3).gather(3, rows)
    chance = chance.transpose(2, 3)
    label = _focal_cost(chance) if focal else -chance
    said = _planar(torch.cat([boxes, cxcywh_to_xyxy(boxes)], dim=-1))[:, :, None]  # (L, B, 1, Q, 8)
    wanted = torch.cat([targets.boxes, cxcywh_to_xyxy(targets.boxes)], dim=-1)[:, :, None]
    (said_box, said_xyxy), (box, xyxy) = said.chunk(2, dim=-1), wanted.chunk(2, dim=-1)
    apart, overlap = (said_box - box).abs().sum(-1), giou(said_xyxy, xyxy)
    return (cost.label * label).add(apart, alpha=cost.box).sub(overlap, alpha=cost.giou)


def _planar(boxes: Tensor) -> Tensor:
    """(..., C) → the same, in memory one number of all boxes after the other, so that loops are long."""
    return boxes.movedim(-1, 0).contiguous().movedim(0, -1)


def _focal_cost(chance: Tensor) -> Tensor:
    """The focal loss if this were the class, less the loss if it were not."""
    rest = 1 - chance
    yes = ALPHA * rest**GAMMA * (chance + 1e-8).log()
    no = (1 - ALPHA) * chance**GAMMA * (rest + 1e-8).log()
    return no - yes


def _refuse_not_finite(host: np.ndarray, stage: Stage) -> None:
    if np.isfinite(host).all():
        return
    predictions, targets = stage.predictions, stage.targets
    suspects = {
        "target boxes": targets.boxes[None],
        "predicted boxes": predictions.boxes,
        "class logits": predictions.logits,
    }
    for what, values in suspects.items():
        layer_image = (~values.isfinite()).flatten(2).any(-1).nonzero()
        if len(layer_image):
            layer, image = layer_image[0].tolist()
            where = "" if what == "target boxes" else f" in {stage.layer} {layer}"
            raise FloatingPointError(
                f"{what} of image {targets.image_ids[image]}{where} are not finite and cannot be matched; "
                "look for a broken annotation or, in predictions, for a learning rate that is too high"
            )
    raise FloatingPointError("matching costs are not finite, but boxes and logits are: weights too large?")
