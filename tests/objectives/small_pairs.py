"""Pairs of padded views and pretexts about them, small enough for a test."""

from dataclasses import replace
from typing import Any

import torch

from sdetr.objectives.settings import SiameseSettings
from sdetr.objectives.siamese import Siamese
from sdetr.types import View
from tests.models.small import padded_view, random_boxes, randomise, small_detector

REGIONS = 3
QUERIES = 6
SIZES = ((96, 70), (50, 160), (96, 128), (64, 64))


def siamese_settings(**changes: Any) -> SiameseSettings:
    weights = {"label": 1.0, "box": 5.0, "giou": 2.0, "feature": 3.0, "global": 10.0}
    values = {
        "kind": "siamese",
        "views": "siamese-pairs",
        "cost": {"label": 1.0, "box": 5.0, "giou": 2.0},
        "weights": weights | changes.pop("weights", {}),
        "no_object": 0.1,
        "box_jitter": 0.1,
    }
    return SiameseSettings.model_validate(values | changes)


def small_siamese(variant: str, queries: int = QUERIES, **changes: Any) -> Siamese:
    """Random everywhere, in eval mode, without dropout."""
    detector = small_detector(variant, queries=queries, dropout=0.0)
    objective = randomise(Siamese(detector, siamese_settings(**changes), REGIONS)).eval()
    objective.to_query.weight.data /= 150  # a random backbone says large numbers; queries are of size 1
    return objective


def pair(seed: int = 1, sizes: tuple[tuple[int, int], ...] = SIZES) -> list[View]:
    """Two views of each image: pixels, boxes and crops are random and have nothing to do with one another."""
    views = []
    for number in (0, 1):
        generator = torch.Generator().manual_seed(100 * seed + number)
        boxes = [random_boxes(REGIONS, generator) for _ in sizes]
        labels = [torch.zeros(REGIONS, dtype=torch.int64) for _ in sizes]
        crops = torch.randn(len(sizes), REGIONS, 3, 64, 64, generator=generator)
        view = padded_view(100 * seed + number, sizes)
        views.append(replace(view, boxes=boxes, labels=labels, crops=crops))
    return views


def in_double(view: View) -> View:
    """The same view in float64, where rounding hides nothing."""
    assert view.crops is not None
    boxes = [one.double() for one in view.boxes]
    return replace(view, images=view.images.double(), crops=view.crops.double(), boxes=boxes)


def losses_of(objective: Siamese, views: list[View]) -> dict[str, float]:
    with torch.no_grad():
        losses = objective(views, objective.normaliser([views]))
    return {name: float(loss) for name, loss in losses.items()}
