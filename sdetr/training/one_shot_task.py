"""Fine-tuning to find what a crop shows: batches, predictions, numbers, and files (UP-DETR §4.3)."""

from pathlib import Path
from typing import Any

from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.interop.settings import DetectorCard
from sdetr.objectives.detection import Detection
from sdetr.objectives.one_shot import OneShot
from sdetr.objectives.panoptic import Panoptic
from sdetr.training.one_shot import predict_asked, weights_of
from sdetr.training.query_pictures import draw_asked
from sdetr.training.ranks import Ranks
from sdetr.training.settings import FinetuneRun
from sdetr.training.tasks import PICTURE, DetectionTask
from sdetr.views.one_shot import OneShotBatches
from sdetr.views.queries import QueryPool, questions

MATCH = "match"
"""The name of the one class that the detector itself knows."""


class OneShotTask(DetectionTask):
    """What test images are asked is settled at the start."""

    def __init__(self, run: FinetuneRun, train_set: Dataset, test_set: Dataset, ranks: Ranks) -> None:
        """Raises ValueError where training images show an unseen class, or something cannot be asked for."""
        super().__init__(run, train_set, test_set, ranks)
        query = run.protocol.query
        assert query is not None, "the settings saw to it"
        _refuse_unseen(run, train_set)
        self.crop_px = query.crop_px
        pool = QueryPool(train_set, query.crop_px)
        self.batches = OneShotBatches(self._images(0), pool, run.seed, run.protocol.workers)
        self.pool = QueryPool(test_set, query.crop_px, kept=True)
        self.asked = questions(self.pool, test_set.ids, query)

    def found(self, objective: Detection | Panoptic, last: bool) -> dict[str, Any]:
        assert isinstance(objective, OneShot)
        resize, keep = self.run.protocol.resize, self.run.protocol.max_detections
        half = self.run.protocol.bfloat16 == "all"
        found = predict_asked(objective, self.test_set, self.pool, self.asked, resize, keep, half, self.ranks)
        return found | {"dataset": Path(self.run.test).parent.name}

    def measured(self, predictions: dict[str, Any]) -> dict[str, float]:
        from sdetr.evaluation.one_shot import one_shot

        return one_shot(Path(self.run.test), predictions, self.run.unseen)

    def weights(self, objective: Detection | Panoptic) -> dict[str, Tensor]:
        """With what makes a query of a crop."""
        assert isinstance(objective, OneShot)
        return weights_of(objective)

    def card(self) -> DetectorCard:
        return super().card().model_copy(update={"classes": (MATCH,), "query_px": self.crop_px})

    def write(self, predictions: dict[str, Any], out: Path) -> list[str]:
        draw_asked(self.test_set, self.pool, self.asked, predictions, out / PICTURE)
        return []


def _refuse_unseen(run: FinetuneRun, train_set: Dataset) -> None:
    shown = {train_set.classes[label] for label in set(train_set.objects().labels.tolist())}
    if known := sorted(shown & set(run.unseen)):
        raise ValueError(
            f"{run.train} has objects of class {known[0]!r}, which is to be unseen; train on the part of the "
            "data set with `classes: seen`"
        )
