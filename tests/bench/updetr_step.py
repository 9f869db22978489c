"""A whole step of UP-DETR beside a plain one: torchvision's backbone, and losses a layer at a time."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import generalized_box_iou

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.normalise import normalise
from sdetr.objectives.regions_found import CLASSES, REGION
from sdetr.objectives.updetr import Updetr
from sdetr.training.loop import _seed_of, take_step
from sdetr.training.probe import noise
from sdetr.training.settings import PretrainRun
from sdetr.training.trainee import Trainee
from sdetr.types import View
from tests.bench.backbone import Maps, torchvision_maps
from tests.bench.harness import Row, in_turn, main, timed
from tests.bench.steps import beginning

CPU, BATCH, SIZE_PX = torch.device("cpu"), 2, (320, 416)


def rows() -> Iterator[Row]:
    run, ours, plain = both()
    (view,) = noise(run, BATCH, CPU, SIZE_PX)
    mine, theirs = partial(take_step, ours, [view], run.protocol, run.seed, CPU), partial(plain.step, view)
    torch.testing.assert_close(mine()["total"], theirs(), rtol=1e-4, atol=0)
    what = f"step of UP-DETR, R50, {BATCH} images of {SIZE_PX[0]}×{SIZE_PX[1]}, fp32"
    yield timed(what, "a plain step", in_turn(mine, theirs, rounds=5), at_least=1.3, note="same loss")


def both() -> tuple[PretrainRun, Trainee, "Plain"]:
    """As at scale paper, of the same weights."""
    torch.manual_seed(0)
    run, trainee = beginning("updetr", "paper", CPU)
    maps, objective = torchvision_maps(range(1, 5)), trainee.objective
    assert isinstance(objective, Updetr)
    objective.detector.backbone.load_state_dict(maps.state_dict())  # type: ignore[attr-defined]
    objective.to_query.weight.data /= 150  # a random backbone says large numbers; queries are of size 1
    return run, trainee, Plain(run, copy.deepcopy(objective), maps)


@dataclass
class Plain:
    """The transformer is ours; nothing around it is."""

    run: PretrainRun
    objective: Updetr
    maps: Maps

    def __post_init__(self) -> None:
        learning = [p for p in self.objective.parameters() if p.requires_grad]
        lr, decay = self.run.protocol.lr, self.run.protocol.weight_decay
        self.optimizer = torch.optim.AdamW(learning, lr, weight_decay=decay)
        self.learning = learning

    def step(self, view: View) -> Tensor:
        """One update; the loss, ()."""
        torch.manual_seed(_seed_of(self.run.seed, 0))
        view, objective = normalise(view), self.objective
        assert view.crops is not None
        means = self.maps(view.crops.flatten(0, 1))[-1].mean((2, 3))
        looks = means.view(*view.crops.shape[:2], -1)  # (B, N, C)
        memory = objective.detector.encode(_with_maps(view, self.maps(view.images)))
        said = objective.find(memory, looks)
        total = torch.zeros(())
        for logits, boxes, hidden in zip(said.logits, said.boxes, said.hidden, strict=True):
            total = total + self._layer(logits, boxes, hidden, view, looks)
        self.optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.learning, self.run.protocol.clip)
        self.optimizer.step()
        return total.detach()

    def _layer(self, logits: Tensor, boxes: Tensor, hidden: Tensor, view: View, looks: Tensor) -> Tensor:
        wanted = torch.cat(view.boxes)
        image, query, patch = _pairs(logits.detach(), boxes.detach(), view.boxes, self.run.pretext.cost)
        classes = torch.full(logits.shape[:2], CLASSES - 1)
        classes[image, query] = REGION
        weights = torch.tensor([1.0, 1.0, self.objective.no_object])
        label = F.cross_entropy(logits.transpose(1, 2), classes, weights)
        found, true = boxes[image, query], wanted[image * len(view.boxes[0]) + patch]
        box = F.l1_loss(found, true, reduction="sum") / len(wanted)
        overlap = generalized_box_iou(cxcywh_to_xyxy(found), cxcywh_to_xyxy(true)).diag()
        described = F.normalize(self.objective.feature_head(hidden[image, query]), dim=-1)
        apart = (described - F.normalize(looks[image, patch], dim=-1)).square().sum() / len(wanted)
        w = self.objective.weights
        giou = (1 - overlap).sum() / len(wanted)
        return w["label"] * label + w["box"] * box + w["giou"] * giou + w["feature"] * apart


def _with_maps(view: View, maps: list[Tensor]) -> View:
    return View(view.images, view.padding, view.image_ids, view.boxes, view.labels, view.crops, maps)


def _pairs(logits: Tensor, boxes: Tensor, wanted: list[Tensor], cost: object) -> list[Tensor]:
    """Image, query and patch of each pair; all images' costs are computed for all images' patches (DETR)."""
    every = torch.cat(wanted)
    apart = torch.cdist(boxes.flatten(0, 1), every, p=1)
    overlap = generalized_box_iou(cxcywh_to_xyxy(boxes.flatten(0, 1)), cxcywh_to_xyxy(every))
    chance = logits.flatten(0, 1).softmax(-1)[:, [REGION] * len(every)]
    table = cost.box * apart - cost.label * chance - cost.giou * overlap  # type: ignore[attr-defined]
    parts = table.view(*boxes.shape[:2], -1).cpu().split([len(one) for one in wanted], -1)
    chosen = [linear_sum_assignment(part[image]) for image, part in enumerate(parts)]
    images = [torch.full((len(queries),), image) for image, (queries, _) in enumerate(chosen)]
    queries, patches = (torch.cat([torch.as_tensor(one[i]) for one in chosen]) for i in (0, 1))
    return [torch.cat(images), queries, patches]


if __name__ == "__main__":
    main(rows)
