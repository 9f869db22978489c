"""Learning masks on a detector that stays: segments of test images, their numbers, and files (DETR §5)."""

from pathlib import Path
from typing import Any

from sdetr.data.dataset import Dataset
from sdetr.evaluation.panoptic import Found, write_panoptic
from sdetr.interop.settings import DetectorCard
from sdetr.objectives.detection import Detection
from sdetr.objectives.panoptic import Panoptic
from sdetr.training.pictures import draw_segments
from sdetr.training.ranks import Ranks
from sdetr.training.segment import segment
from sdetr.training.settings import FinetuneRun
from sdetr.training.tasks import DetectionTask

JSON = "panoptic.json"
"""Lists the PNGs of the folder of the same name."""


class PanopticTask(DetectionTask):
    """Keeps the segments that were found last; of several ranks the leading one alone has some."""

    def __init__(self, run: FinetuneRun, train_set: Dataset, test_set: Dataset, ranks: Ranks) -> None:
        super().__init__(run, train_set, test_set, ranks)
        self.segments: dict[int, Found] = {}

    def found(self, objective: Detection | Panoptic, last: bool) -> dict[str, Any]:
        """A mask of every answer is worth its time only where it is kept."""
        protocol, masks = self.run.protocol, self.run.protocol.masks
        assert masks is not None, "the settings saw to it"
        half, keep = protocol.bfloat16 == "all", protocol.max_detections
        found, self.segments = segment(
            objective.detector, self.test_set, protocol.resize, masks, keep, half, self.ranks, last
        )
        return found | {"dataset": Path(self.run.test).parent.name}

    def measured(self, predictions: dict[str, Any]) -> dict[str, float]:
        from sdetr.evaluation.panoptic import panoptic_quality

        return panoptic_quality(Path(self.run.test), self.segments)

    def card(self) -> DetectorCard:
        masks = self.run.protocol.masks
        assert masks is not None
        return super().card().model_copy(update={"model": self.run.model.with_masks(masks.attention)})

    def write(self, predictions: dict[str, Any], out: Path) -> list[str]:
        super().write(predictions, out)
        draw_segments(self.test_set, self.segments, out / "pictures" / "segments.png")
        write_panoptic(out / JSON, self.segments, tuple(self.test_set.classes), self.test_set.things)
        return [JSON]
