"""What pretexts share that search an image for regions and say how they look."""

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from sdetr.boxes import cxcywh_to_xyxy, pairwise_iou
from sdetr.objectives.losses import matched
from sdetr.objectives.matcher import Pairs
from sdetr.objectives.objective import Objective
from sdetr.objectives.targets import Targets
from sdetr.types import Predictions, View

REGION, CLASSES = 1, 3
"""Softmax on every detector: 1 is a region, 2 none, 0 is never wanted; published weights have it so."""


class Search(Objective):
    """A pretext that finds regions, and can be asked where."""

    classes: tuple[str, ...] = ()
    """Names that the detector's own class head has learned; none where the pretext has another head."""

    @abstractmethod
    def found(self, views: list[View]) -> tuple[list[list[Tensor]], Tensor]:
        """Where the last layer finds the regions of each view, a (N, 4) per image; mean IoU, ()."""


def description_loss(described: Tensor, looks: Tensor, pairs: Pairs) -> Tensor:
    """Squared distances of unit vectors, what matched queries say (L, P, C) from how regions look (B, N, C).

    Sums, (L,).
    """
    wanted = F.normalize(looks, dim=-1)[pairs.image, pairs.target]
    return (F.normalize(described, dim=-1) - wanted).square().sum((1, 2))


@torch.no_grad()
def boxes_found(said: Predictions, pairs: Pairs, targets: Targets) -> list[Tensor]:
    """Where the last layer finds what is wanted, a (N, 4) per image."""
    boxes = torch.zeros_like(targets.boxes)
    boxes[pairs.image, pairs.target[-1]] = matched(said.boxes, pairs)[-1]
    return [found[:count] for found, count in zip(boxes, targets.counts, strict=True)]


@torch.no_grad()
def last_iou(said: Predictions, pairs: Pairs, targets: Targets) -> Tensor:
    """Mean IoU of matched boxes in the last layer, ()."""
    wanted = targets.boxes[pairs.image, pairs.target[-1]]
    found = matched(said.boxes, pairs)[-1]
    return pairwise_iou(cxcywh_to_xyxy(found), cxcywh_to_xyxy(wanted))[0].mean()
