"""Matching costs and losses one number at a time, as a reader would compute them."""

import math

import torch

from sdetr.objectives.detection import Detection
from sdetr.objectives.matcher import match
from sdetr.objectives.targets import padded_targets
from sdetr.types import Predictions, View
from tests.models.small import CLASSES


def plain_giou(one: list[float], two: list[float]) -> float:
    def overlap(axis: int) -> float:
        return max(0.0, min(one[axis + 2], two[axis + 2]) - max(one[axis], two[axis]))

    def hull(axis: int) -> float:
        return max(one[axis + 2], two[axis + 2]) - min(one[axis], two[axis])

    both = overlap(0) * overlap(1)
    union = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)) - both
    around = hull(0) * hull(1)
    return both / union - (around - union) / around


def plain_losses(objective: Detection, view: View, said: Predictions | None = None) -> dict[str, float]:
    """One number at a time; only the pairs are taken from the matcher. `said`: instead of the detector."""
    with torch.no_grad():
        said = said or objective.detector(view)
    pairs = match(said, padded_targets(view), objective.cost, objective.detector.focal)
    totals = {name: 0.0 for name in objective.weights if not name.startswith("first_")}
    layers = len(said.logits)
    for layer in range(layers):
        prefix = "" if layer == layers - 1 else "aux_"
        triples = zip(
            pairs.image.tolist(), pairs.query[layer].tolist(), pairs.target[layer].tolist(), strict=True
        )
        object_of = {(image, query): target for image, query, target in triples}
        objects, label, weight = 0, 0.0, 0.0
        for image in range(len(view.images)):
            for query in range(said.logits.shape[2]):
                logits = said.logits[layer, image, query].double().tolist()
                target = object_of.get((image, query))
                wanted = None if target is None else int(view.labels[image][target])
                if objective.detector.focal:
                    label += plain_focal(logits, wanted)
                else:
                    share = 0.1 if wanted is None else 1.0
                    wanted = CLASSES if wanted is None else wanted
                    label += share * (math.log(sum(math.exp(x) for x in logits)) - logits[wanted])
                    weight += share
                if target is not None:
                    objects += 1
                    one, two = said.boxes[layer, image, query].tolist(), view.boxes[image][target].tolist()
                    totals[f"{prefix}box"] += sum(abs(a - b) for a, b in zip(one, two, strict=True))
                    totals[f"{prefix}giou"] += 1 - plain_giou(corners(one), corners(two))
        totals[f"{prefix}label"] += label / (objects if objective.detector.focal else weight)
    return {name: total / (objects if "label" not in name else 1) for name, total in totals.items()}


def plain_focal(logits: list[float], wanted: int | None) -> float:
    total = 0.0
    for number, logit in enumerate(logits):
        p = 1 / (1 + math.exp(-logit))
        yes = number == wanted
        total += -0.25 * (1 - p) ** 2 * math.log(p) if yes else -0.75 * p**2 * math.log(1 - p)
    return total


def corners(box: list[float]) -> list[float]:
    x, y, w, h = box
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
