"""What of a fine-tuning depends on its task: batches, predictions, numbers, and files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.data.loader import TrainBatches
from sdetr.interop.settings import DetectorCard
from sdetr.objectives.detection import Detection
from sdetr.objectives.panoptic import Panoptic
from sdetr.training.infer import predict
from sdetr.training.matched import Matched
from sdetr.training.pictures import draw_answers
from sdetr.training.ranks import Ranks
from sdetr.training.settings import FinetuneRun
from sdetr.types import View

PICTURE = Path("pictures/test.png")


class Batches(Protocol):
    """Any batch from any step on."""

    steps_per_pass: int

    def from_step(self, step: int) -> Iterator[View]: ...


class DetectionTask:
    """Objects of the classes that both data sets have."""

    def __init__(self, run: FinetuneRun, train_set: Dataset, test_set: Dataset, ranks: Ranks) -> None:
        self.run, self.train_set, self.test_set, self.ranks = run, train_set, test_set, ranks
        self.batches: Batches = self._images(run.protocol.workers)

    def found(self, objective: Detection | Panoptic, last: bool) -> dict[str, Any]:
        """Predictions, in eval mode, and the pairs behind class and box error if the protocol wants them.

        `last`: they are those that are kept.
        """
        run, protocol, detector = self.run, self.run.protocol, objective.detector
        pairs = Matched(run.model.detection.cost, detector.focal)
        half, also = protocol.bfloat16 == "all", pairs.add if protocol.matched else None
        keep = protocol.max_detections
        found = predict(detector, self.test_set, protocol.resize, keep, half, None, also, self.ranks)
        found["dataset"] = Path(run.test).parent.name
        return found | {"matched": pairs.columns(self.ranks)} if protocol.matched else found

    def measured(self, predictions: dict[str, Any]) -> dict[str, float]:
        """Points of the curve."""
        from sdetr.evaluation.boxes import evaluate

        return evaluate(Path(self.run.test), predictions)

    def weights(self, objective: Detection | Panoptic) -> dict[str, Tensor]:
        """What is kept."""
        return objective.detector.state_dict()

    def card(self) -> DetectorCard:
        """What is said of it."""
        run, classes = self.run, tuple(self.test_set.classes)
        return DetectorCard(model=run.model, trunk=run.trunk, classes=classes, resize=run.protocol.resize)

    def write(self, predictions: dict[str, Any], out: Path) -> list[str]:
        """Pictures of some test images, and what else there is; names of the latter, below `out`."""
        draw_answers(self.test_set, predictions, out / PICTURE)
        return []

    def _images(self, workers: int) -> TrainBatches:
        protocol, seed = self.run.protocol, self.run.seed
        part = self.ranks.part(protocol.batch)
        augment, batch = protocol.augment, protocol.batch
        return TrainBatches(self.train_set, augment, batch, seed, workers, protocol.buckets, part)
