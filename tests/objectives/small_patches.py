"""UP-DETR small enough for a test, and in loops as a reader of the paper would compute it."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sdetr.objectives.settings import UpdetrSettings
from sdetr.objectives.updetr import Updetr
from sdetr.types import Ask, View
from tests.models.small import padded_view, random_boxes, randomise, small_detector
from tests.objectives.plain import corners, plain_giou
from tests.objectives.plain_siamese import cheapest, plain_cosine

PATCHES = 3
QUERIES = 6
SIZES = ((96, 70), (50, 160), (64, 64))


def updetr_settings(**changes: Any) -> UpdetrSettings:
    values = {
        "kind": "updetr",
        "views": "updetr-patches",
        "cost": {"label": 1.0, "box": 5.0, "giou": 2.0},
        "weights": {"label": 1.0, "box": 5.0, "giou": 2.0, "feature": 1.0},
        "query_dropout": 0.1,
    }
    return UpdetrSettings.model_validate(values | changes)


def small_updetr(variant: str, patches: int = PATCHES, queries: int = QUERIES, **changes: Any) -> Updetr:
    """Random everywhere, in eval mode, without dropout of the detector."""
    detector = small_detector(variant, queries=queries, dropout=0.0)
    objective = randomise(Updetr(detector, updetr_settings(**changes), patches)).eval()
    objective.to_query.weight.data /= 150  # a random backbone says large numbers; queries are of size 1
    return objective


def with_patches(seed: int = 1, patches: int = PATCHES, sizes: tuple[tuple[int, int], ...] = SIZES) -> View:
    """A view whose crops and boxes are random and have nothing to do with one another."""
    generator = torch.Generator().manual_seed(seed)
    boxes = [random_boxes(patches, generator).double() for _ in sizes]
    crops = torch.randn(len(sizes), patches, 3, 64, 64, generator=generator).double()
    view = padded_view(seed, sizes)
    labels = [torch.ones(patches, dtype=torch.int64) for _ in sizes]
    return replace(view, images=view.images.double(), boxes=boxes, labels=labels, crops=crops)


def losses_of(objective: Updetr, view: View) -> dict[str, float]:
    with torch.no_grad():
        losses = objective([view], objective.normaliser([[view]]))
    return {name: float(loss) for name, loss in losses.items()}


@torch.no_grad()
def plain_updetr(objective: Updetr, view: View, no_object: float, masked: bool = True) -> dict[str, float]:
    """One number at a time; every image is asked by itself."""
    patches, each = len(view.boxes[0]), QUERIES // PATCHES
    totals = dict.fromkeys(("label", "box", "giou", "feature"), 0.0)
    looks = [[look_of(objective, crop) for crop in crops] for crops in view.crops]
    asked = torch.stack(
        [torch.stack([objective.to_query(rows[i // each]) for i in range(QUERIES)]) for rows in looks]
    )
    blocked = torch.tensor(
        [[masked and i // each != j // each for j in range(QUERIES)] for i in range(QUERIES)]
    )
    slot = "content" if hasattr(objective.detector.queries, "anchors") else "position"
    said = objective.detector.decode(objective.detector.encode(view), Ask(**{slot: asked}, blocked=blocked))
    logits = objective.class_head(said.hidden)
    for layer in range(len(logits)):
        label = weight = 0.0
        for image, boxes in enumerate(view.boxes):
            query_of = cheapest(logits[layer, image], said.boxes[layer, image], boxes)  # of all queries
            for query, scores in enumerate(logits[layer, image].tolist()):
                share, wanted = (1.0, 1) if query in query_of else (no_object, 2)
                label += share * (math.log(sum(math.exp(x) for x in scores)) - scores[wanted])
                weight += share
            for patch, query in enumerate(query_of):
                one, two = said.boxes[layer, image, query].tolist(), boxes[patch].tolist()
                totals["box"] += sum(abs(a - b) for a, b in zip(one, two, strict=True))
                totals["giou"] += 1 - plain_giou(corners(one), corners(two))
                described = objective.feature_head(said.hidden[layer, image, query])
                totals["feature"] += 2 - 2 * plain_cosine(described, looks[image][patch])
        totals["label"] += label / weight
    count = patches * len(view.images)
    return {name: total / (1 if name == "label" else count) for name, total in totals.items()}


def look_of(objective: Updetr, crop: Tensor) -> Tensor:
    detector = objective.detector
    return torch.cat([cells[0].mean((1, 2)) for cells in detector.backbone(crop[None])[-detector.read :]])
