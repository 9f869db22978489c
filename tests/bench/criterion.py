"""Matching and losses of all decoder layers, forward and backward, beside Hugging Face's auxiliary losses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers.loss.loss_deformable_detr import DeformableDetrForObjectDetectionLoss
from transformers.loss.loss_for_object_detection import ForObjectDetectionLoss

from sdetr.models.settings import Weights3
from sdetr.objectives.detection import Detection
from sdetr.objectives.targets import padded_targets
from sdetr.types import Predictions, View
from tests.bench.harness import Row, counted, in_turn, main, timed
from tests.models.small import detection_settings, random_boxes, small_detector
from tests.objectives.test_one_copy import waits

LAYERS, CLASSES = 6, 91
CASES = ((4, 2.5), (32, 5.0))
"""Images of a batch, and the aim."""
MODELS = {"detr": 100, "deformable": 300}
"""A softmax and a focal family → queries."""


def rows() -> Iterator[Row]:
    for variant, queries in MODELS.items():
        for batch, aim in CASES:
            one = problem(variant, batch, queries)
            ours, theirs = one.ours(), one.theirs()
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
            what = f"criterion of {variant}, {batch} images, {queries} queries"
            seconds = in_turn(one.ours, one.theirs, rounds=15)
            yield timed(what, "Hugging Face's loss", seconds, aim, note="same loss and gradients")
            counts = [counted_operations(way) for way in (one.ours, one.theirs)]
            yield counted(what, "Hugging Face's loss", *counts, "operations", at_most=300)
            counts = [len(copies(way)) for way in (one.ours, one.theirs)]
            yield counted(what, "Hugging Face's loss", *counts, "waits for the device", at_most=1)


@dataclass(frozen=True)
class Problem:
    """What a detector says and what there is."""

    objective: Detection
    logits: Tensor  # (L, B, Q, C)
    boxes: Tensor  # (L, B, Q, 4)
    view: View

    def ours(self) -> list[Tensor]:
        """The loss, (), and its gradients by logits and boxes."""
        normaliser = self.objective.normaliser([[self.view]])
        said = Predictions(self.logits, self.boxes, self.logits, [])
        losses, _ = self.objective.judged(said, padded_targets(self.view), normaliser)
        weighted = [self.objective.weights[name] * loss for name, loss in losses.items()]
        return self._with_gradients(torch.stack(weighted).sum())

    def theirs(self) -> list[Tensor]:
        """The same; their function is the one that their detectors of this family call."""
        labels = [
            {"class_labels": labels, "boxes": boxes}
            for labels, boxes in zip(self.view.labels, self.view.boxes, strict=True)
        ]
        objective = self.objective
        judge = DeformableDetrForObjectDetectionLoss if objective.detector.focal else ForObjectDetectionLoss
        logits, boxes = self.logits, self.boxes
        given = {"config": _config(objective, logits), "outputs_class": logits, "outputs_coord": boxes}
        total, _, _ = judge(logits[-1], labels, logits.device, boxes[-1], **given)
        return self._with_gradients(total)

    def _with_gradients(self, total: Tensor) -> list[Tensor]:
        return [total.detach(), *torch.autograd.grad(total, (self.logits, self.boxes))]


def problem(
    variant: str, batch: int, queries: int, layers: int = LAYERS, dtype: torch.dtype = torch.float32
) -> Problem:
    """1 to 13 objects in an image, as COCO has 7."""
    weights = Weights3(label=1.0, box=5.0, giou=2.0)
    objective = Detection(small_detector(variant), detection_settings(variant, weights=weights))
    objective.detector.num_queries = queries
    random = torch.Generator().manual_seed(0)
    classes = CLASSES + (not objective.detector.focal)
    logits = torch.randn(layers, batch, queries, classes, generator=random)
    boxes = random_boxes(layers * batch * queries, random).view(layers, batch, queries, 4)
    counts = (1 + torch.randint(13, (batch,), generator=random)).tolist()
    wanted = [random_boxes(count, random).to(dtype) for count in counts]
    labels = [torch.randint(CLASSES, (count,), generator=random) for count in counts]
    nothing = torch.zeros(batch, 3, 1, 1)
    view = View(nothing, nothing[:, 0] > 0, list(range(batch)), wanted, labels)
    return Problem(objective, logits.to(dtype).requires_grad_(), boxes.to(dtype).requires_grad_(), view)


class Operations(TorchDispatchMode):
    """Counts what is handed to a device."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def counted_operations(way: Callable[[], object]) -> int:
    with Operations() as seen:
        way()
    return seen.count


def copies(way: Callable[[], Any]) -> list[str]:
    """What a GPU would have to be waited for."""
    with pytest.MonkeyPatch.context() as patch:
        return waits(way, patch)


def _config(objective: Detection, logits: Tensor) -> SimpleNamespace:
    cost, no_object = objective.cost, objective.no_object
    return SimpleNamespace(
        class_cost=cost.label,
        bbox_cost=cost.box,
        giou_cost=cost.giou,
        bbox_loss_coefficient=5.0,
        giou_loss_coefficient=2.0,
        eos_coefficient=no_object,
        focal_alpha=0.25,
        auxiliary_loss=True,
        num_labels=logits.shape[-1] - (no_object is not None),
        decoder_layers=len(logits),
    )


if __name__ == "__main__":
    main(rows)
