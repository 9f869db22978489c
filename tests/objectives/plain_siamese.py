"""Siamese DETR in two passes and in loops, as a reader of the paper would compute it."""

import itertools
import math

import torch
from torch import Tensor, nn

from sdetr.objectives.siamese import Siamese
from sdetr.types import Ask, Predictions, View
from tests.objectives.plain import corners, plain_giou


@torch.no_grad()
def plain_siamese(objective: Siamese, views: list[View], matched_in: int | None = None) -> dict[str, float]:
    """The mean of both directions, without jitter; `matched_in`: one layer's pairs for all, a mistake."""
    there = one_direction(objective, views[0], views[1], matched_in)
    back = one_direction(objective, views[1], views[0], matched_in)
    losses = {name: (there[name] + back[name]) / 2 for name in there}
    return losses | {"global": plain_agreement(objective, views)}


def one_direction(
    objective: Siamese, source: View, searched: View, matched_in: int | None
) -> dict[str, float]:
    """Regions of `source` are looked for in `searched`."""
    said = plain_search(objective, source, searched)
    logits = objective.class_head(said.hidden).double()
    totals = dict.fromkeys(("label", "box", "giou", "feature"), 0.0)
    for layer in range(len(logits)):
        label = weight = 0.0
        for image, boxes in enumerate(searched.boxes):
            at = layer if matched_in is None else matched_in
            query_of = cheapest(logits[at, image], said.boxes[at, image], boxes)
            read = objective.detector.read
            crops = objective.detector.backbone(source.crops[image])[-read:]  # (R, C, h, w) each
            for query, scores in enumerate(logits[layer, image].tolist()):
                share, wanted = (1.0, 1) if query in query_of else (0.1, 2)
                label += share * (math.log(sum(math.exp(x) for x in scores)) - scores[wanted])
                weight += share
            for region, query in enumerate(query_of):
                one, two = said.boxes[layer, image, query].tolist(), boxes[region].tolist()
                totals["box"] += sum(abs(a - b) for a, b in zip(one, two, strict=True)) / pairs(source)
                totals["giou"] += (1 - plain_giou(corners(one), corners(two))) / pairs(source)
                described = objective.feature_head(said.hidden[layer, image, query])
                cosine = plain_cosine(described, torch.cat([cells[region].mean((1, 2)) for cells in crops]))
                totals["feature"] += (2 - 2 * cosine) / pairs(source)
        totals["label"] += label / weight
    return totals


def plain_search(objective: Siamese, source: View, searched: View) -> Predictions:
    detector = objective.detector
    asked = []
    for image in range(len(source.images)):
        high, wide = (~source.padding[image]).any(1).sum(), (~source.padding[image]).any(0).sum()
        maps = [cells[image] for cells in detector.backbone(source.images)][-detector.read :]
        size, strides = (int(high), int(wide)), (4, 8, 16, 32)[-detector.read :]
        regions = [
            torch.cat([plain_region(cells, box, size, s) for cells, s in zip(maps, strides, strict=True)])
            for box in source.boxes[image]
        ]
        each = detector.num_queries // len(regions)
        asked.append(torch.stack([objective.to_query(z) for z in regions for _ in range(each)]))
    slot = "content" if hasattr(detector.queries, "anchors") else "position"
    return detector.decode(detector.encode(searched), Ask(**{slot: torch.stack(asked)}))


def pairs(view: View) -> int:
    return sum(map(len, view.boxes))


def cheapest(logits: Tensor, boxes: Tensor, wanted: Tensor) -> tuple[int, ...]:
    """The query of every region, by trying all assignments."""
    costs = []
    for query in range(len(boxes)):
        said = boxes[query].tolist()
        chance = float(logits[query].softmax(0)[1])
        row = []
        for one in wanted.tolist():
            apart = sum(abs(a - b) for a, b in zip(said, one, strict=True))
            row.append(-chance + 5 * apart - 2 * plain_giou(corners(said), corners(one)))
        costs.append(row)
    options = itertools.permutations(range(len(boxes)), len(wanted))
    return min(options, key=lambda queries: sum(costs[query][i] for i, query in enumerate(queries)))


def plain_region(last: Tensor, box: Tensor, size: tuple[int, int], stride: int) -> Tensor:
    """RoIAlign without half-pixel shift: 7×7 bins of evenly spread samples, then their mean, (C,).

    The image's border cells go on for ever, whatever the map has there.
    """
    last = last[:, : math.ceil(size[0] / stride), : math.ceil(size[1] / stride)]
    x0, y0, x1, y1 = corners(box.tolist())
    x0, x1, y0, y1 = (
        x0 * size[1] / stride,
        x1 * size[1] / stride,
        y0 * size[0] / stride,
        y1 * size[0] / stride,
    )
    wide, high = max(x1 - x0, 1.0), max(y1 - y0, 1.0)
    columns, rows = 7 * math.ceil(wide / 7), 7 * math.ceil(high / 7)
    total = torch.zeros(last.shape[0], dtype=last.dtype)
    for row in range(rows):
        for column in range(columns):
            total += bilinear(last, y0 + (row + 0.5) * high / rows, x0 + (column + 0.5) * wide / columns)
    return total / (rows * columns)


def bilinear(last: Tensor, y: float, x: float) -> Tensor:
    h, w = last.shape[1:]
    y, x = min(max(y, 0.0), h - 1.0), min(max(x, 0.0), w - 1.0)
    top, left = min(int(y), h - 2) if h > 1 else 0, min(int(x), w - 2) if w > 1 else 0
    bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
    down, across = y - top, x - left
    above = last[:, top, left] * (1 - across) + last[:, top, right] * across
    below = last[:, bottom, left] * (1 - across) + last[:, bottom, right] * across
    return above * (1 - down) + below * down


def plain_agreement(objective: Siamese, views: list[View]) -> float:
    """Image after image; batch statistics by the book."""
    projected = []
    for view in views:
        memory = objective.detector.encode(view)
        rows = []
        for tokens, hidden in zip(memory.tokens, memory.padding, strict=True):
            start, means = 0, []
            for h, w in memory.shapes[:3]:
                part = slice(start, start + h * w)
                means.append(tokens[part][~hidden[part]].mean(0))
                start += h * w
            rows.append(torch.cat(means))
        projected.append(by_the_book(objective.agreement.projector, torch.stack(rows)))
    one, two = projected
    first, second = (by_the_book(objective.agreement.predictor, x) for x in projected)
    total = 0.0
    for image in range(len(one)):
        total += 2 - plain_cosine(first[image], two[image]) - plain_cosine(second[image], one[image])
    return total / len(one)


def by_the_book(layers: nn.Sequential, x: Tensor) -> Tensor:
    x = x.double()
    for layer in layers:
        if isinstance(layer, nn.Linear):
            x = x @ layer.weight.double().T + layer.bias.double()
        elif isinstance(layer, nn.BatchNorm1d):
            centred = x - x.mean(0)
            x = centred / (centred.square().mean(0) + 1e-5).sqrt()
            x = x * layer.weight.double() + layer.bias.double()
        else:
            x = x.clamp(min=0)
    return x


def plain_cosine(one: Tensor, two: Tensor) -> float:
    one, two = one.double(), two.double()
    return float((one * two).sum() / (one.square().sum() * two.square().sum()).sqrt())
