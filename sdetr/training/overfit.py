"""A few images learned by heart: what every detector can that learns at all, if its data make sense."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from sdetr.data.dataset import Dataset
from sdetr.data.index import Annotation, Index
from sdetr.data.loader import TrainBatches
from sdetr.data.settings import AugmentSettings, ResizeSettings
from sdetr.models.detector import Detector
from sdetr.models.settings import ModelSettings, TrunkSettings
from sdetr.objectives.detection import Detection
from sdetr.training.device import choose_device
from sdetr.training.infer import predict
from sdetr.training.loop import take_step
from sdetr.training.optimizer import scale_lr
from sdetr.training.settings import ProtocolSettings
from sdetr.training.timeline import Timeline
from sdetr.training.trainee import Trainee


@dataclass(frozen=True)
class Point:
    """What was measured after so many steps, on the images that are learned."""

    step: int
    metrics: dict[str, float]  # percent; `any_class` is AP50 where classes are ignored
    loss: float | None
    """Mean of the total loss since the point before; None at the first one."""


@dataclass(frozen=True)
class Overfitting:
    """A detector with drawn weights, and how it is to learn the first images of an index."""

    model: ModelSettings
    trunk: TrunkSettings
    protocol: ProtocolSettings
    """One batch is all images, so that an epoch is a step; images are seen as they are tested."""
    index: Path
    images: int = 8
    device: str = "auto"
    seed: int = 0

    def points(self, enough: float = 100.0) -> Iterator[Point]:
        """At the protocol's points of evaluation, until AP50 is `enough` or the schedule ends.

        Raises ValueError when no image has an object, or one has more than the detector can find.
        """
        first = first_with_objects(Index.load(self.index), self.images, self.index)
        self._refuse_too_many(first)
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "first.json"
            first.save(index)
            for point in self._points(index):
                yield point
                if point.metrics["AP50"] >= enough:
                    return

    def reachable(self) -> float:
        """AP50 of perfect answers, percent: of an image with more objects than are counted less than 100."""
        from sdetr.evaluation.boxes import evaluate

        first = first_with_objects(Index.load(self.index), self.images, self.index)
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "first.json"
            first.save(index)
            return evaluate(index, _perfect(first, self.protocol.max_detections))["AP50"]

    def _refuse_too_many(self, first: Index) -> None:
        queries = self.model.asked
        objects = Counter(row.image_id for row in first.annotations if not row.crowd)
        image_id, most = objects.most_common(1)[0]
        if most > queries:
            raise ValueError(
                f"{self.index}: image {image_id} has {most} objects, but {self.model.variant} finds at most "
                f"{queries}, its queries; give the model at least {most}"
            )

    def _points(self, index: Path) -> Iterator[Point]:
        from sdetr.evaluation.boxes import evaluate, metrics
        from sdetr.evaluation.curves import curves

        protocol, device, images = self.protocol, choose_device(self.device), Dataset(index)
        torch.manual_seed(self.seed)
        detector = Detector(self.model, self.trunk, len(images.classes))
        detector.freeze_backbone(protocol.lr_backbone)
        objective = Detection(detector, self.model.detection, self.model.denoising)
        as_tested = AugmentSettings(flip=0.0, short=(protocol.resize.short,), longest=protocol.resize.longest)
        batch = [TrainBatches(images, as_tested, len(images), self.seed)[0]]
        timeline = Timeline.of(protocol, 1, protocol.evaluate_every)
        trainee = Trainee.begin(objective.to(device).train(), protocol, None)
        losses: list[float] = []
        while True:
            if trainee.step in timeline.points():
                found = predict(detector.eval(), images, protocol.resize, protocol.max_detections)
                answers = found | {"dataset": index.parent.name}
                any_class = metrics(curves(index, answers, any_class=True))["AP50"]
                loss = sum(losses) / len(losses) if losses else None
                yield Point(trainee.step, evaluate(index, answers) | {"any_class": any_class}, loss)
                losses.clear()
                objective.train()
            if trainee.step == timeline.total:
                return
            scale_lr(trainee.optimizer, timeline.lr_factor(trainee.step))
            taken = take_step(trainee, batch, protocol, self.seed, device)
            losses.append(float(taken["total"]))


def _perfect(index: Index, keep: int) -> dict[str, Any]:
    """Objects of the index as answers, at most `keep` of an image, taken evenly from all that it has."""
    of_image: dict[int, list[Annotation]] = defaultdict(list)
    for row in index.annotations:
        if not row.crowd:
            of_image[row.image_id].append(row)
    counts = {image_id: min(keep, len(rows)) for image_id, rows in of_image.items()}
    kept = [rows[n * len(rows) // counts[i]] for i, rows in of_image.items() for n in range(counts[i])]
    return {
        "dataset": index.dataset,
        "classes": index.classes,
        "image_id": [row.image_id for row in kept],
        "label": [row.label for row in kept],
        "box_xywh_px": [row.box_xywh_px for row in kept],
        "score": [1.0] * len(kept),
    }


def middle_side_px(index: Index, resize: ResizeSettings) -> float:
    """Of its objects, crowds aside, as a detector sees them: the root of the area."""
    scale = {
        row.id: min(resize.short / min(row[2:4]), resize.longest / max(row[2:4])) for row in index.images
    }
    sides = [
        scale[row.image_id] * (row.box_xywh_px[2] * row.box_xywh_px[3]) ** 0.5
        for row in index.annotations
        if not row.crowd
    ]
    return float(median(sides))


def first_with_objects(index: Index, count: int, path: Path) -> Index:
    """The first images on which something can be found. Raises ValueError if there is none."""
    shown = {row.image_id for row in index.annotations if not row.crowd}
    images = [row for row in index.images if row.id in shown][:count]
    if not images:
        raise ValueError(
            f"{path}: none of its {len(index.images)} images has an object that could be learned"
        )
    chosen = {row.id for row in images}
    objects = [row for row in index.annotations if row.image_id in chosen]
    return replace(index, images=images, annotations=objects)
