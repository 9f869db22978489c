"""Random matching problems."""

import torch

from sdetr.models.settings import Weights3
from sdetr.objectives.targets import Targets
from sdetr.types import Predictions
from tests.models.small import random_boxes

COST = Weights3(label=2.0, box=5.0, giou=2.0)
CLASSES = 4


def make(
    counts: list[int], queries: int = 5, focal: bool = True, seed: int = 0
) -> tuple[Predictions, Targets]:
    generator = torch.Generator().manual_seed(seed)
    batch, layers, most = len(counts), 3, max(counts, default=0)
    logits = 2 * torch.randn(layers, batch, queries, CLASSES + (not focal), generator=generator)
    boxes = random_boxes(layers * batch * queries, generator).view(layers, batch, queries, 4)
    predictions = Predictions(logits, boxes, logits, None)
    labels = torch.randint(CLASSES, (batch, most), generator=generator)
    wanted = random_boxes(batch * most, generator).view(batch, most, 4)
    return predictions, Targets(labels, wanted, counts, [1000 + i for i in range(batch)])
