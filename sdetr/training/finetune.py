"""Fine-tuning from beginning to end: settings and a start in, a finished run folder out."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from sdetr.data.dataset import Dataset
from sdetr.evaluation.settings import RECIPE
from sdetr.interop.detectors import read_card, save_detector
from sdetr.interop.weights import read_weights
from sdetr.models.detector import Detector
from sdetr.objectives.detection import Detection
from sdetr.objectives.objective import Objective
from sdetr.objectives.one_shot import MATCHES, OneShot
from sdetr.objectives.panoptic import Panoptic
from sdetr.settings_file import load
from sdetr.training.attempt import Attempt, logged_to
from sdetr.training.device import choose_device, rounds_frozen
from sdetr.training.finished import is_finished
from sdetr.training.loop import train
from sdetr.training.one_shot import load_to_query
from sdetr.training.one_shot_task import OneShotTask
from sdetr.training.panoptic_task import PanopticTask
from sdetr.training.paths import run_path
from sdetr.training.ranks import Ranks
from sdetr.training.settings import FinetuneRun
from sdetr.training.tasks import DetectionTask
from sdetr.training.timeline import Timeline
from sdetr.training.transfer import transfer
from sdetr.types import View

log = logging.getLogger(__name__)


def finetune(settings: Path, init: Path, out: Path, device: str = "auto") -> None:
    """Trains what `settings` (a FinetuneRun) say from the weights `init`, and fills the run folder `out`.

    Killed at any moment and called again, it continues, and ends with the same weights.
    """
    ranks, run = Ranks.joined(), load(FinetuneRun, settings)
    chosen = choose_device(device)
    scale, path = run_path(out, words=5)
    with logged_to(scale / "state" / path / "train.log", ranks, out):
        train_set = Dataset(Path(run.train), pixels=run.protocol.masks is not None)
        test_set = Dataset(Path(run.test))
        _refuse_other_classes(run, init, train_set, test_set)
        inputs = {"settings": settings, "init": init, "train": Path(run.train), "test": Path(run.test)}
        inputs |= {"heads": Path(run.heads)} if run.heads else {}
        if is_finished(out, inputs, ranks):
            return
        said = settings.read_bytes()
        images = {"train": train_set, "test": test_set}
        attempt = Attempt(scale, run.stage, path, run, run.seed, inputs, chosen, ranks, images)

        beginning = detection_of(run, len(train_set.classes), init, chosen)
        task = task_of(run, train_set, test_set, ranks)
        timeline = Timeline.of(run.protocol, task.batches.steps_per_pass, run.protocol.evaluate_every)
        predictions: dict[str, Any] = {}

        def evaluated(objective: Objective, step: int) -> dict[str, float]:
            assert isinstance(objective, Detection | Panoptic)
            predictions.update(task.found(objective, step == timeline.total))
            return task.measured(predictions) if ranks.leads else {}

        def batches(step: int) -> Iterator[list[View]]:
            return ([view] for view in task.batches.from_step(step))

        trained = train(beginning, batches, timeline, attempt, evaluated)
        assert isinstance(trained, Detection | Panoptic)
        if ranks.leads:
            _publish(trained, task, predictions, said, attempt, out)


def detection_of(
    run: FinetuneRun, classes: int, init: Path | None, device: torch.device
) -> Detection | Panoptic:
    """The objective as it begins, on the CPU; `device` is where it is going to train.

    Without `init`, all weights are as they are drawn.
    """
    torch.manual_seed(run.seed)  # weights are drawn on the CPU, so every device begins with the same
    one_shot, masks = run.protocol.task == "one_shot", run.protocol.masks
    model = run.model.with_masks(masks.attention) if masks else run.model
    detector = Detector(model, run.trunk, MATCHES if one_shot else classes)
    if init:
        transfer(detector, init, run.fresh)
    detector.freeze_backbone(run.protocol.lr_backbone)
    if run.protocol.train == "heads":
        detector.freeze_body()
    if detector.backbone_frozen:
        detector.rounded_on = rounds_frozen(run.protocol.bfloat16, device)
    if masks:
        return Panoptic(detector, masks, run.model.detection.cost)
    if not one_shot:
        return Detection(detector, run.model.detection, run.model.denoising)
    asking = OneShot(detector, run.model.detection)
    if init and run.heads:
        load_to_query(asking, Path(run.heads))
    return asking


TASKS = {"one_shot": OneShotTask, "panoptic_masks": PanopticTask}
"""Those that are no detection."""


def task_of(run: FinetuneRun, train_set: Dataset, test_set: Dataset, ranks: Ranks) -> DetectionTask:
    """Batches, predictions and files, by the protocol's task."""
    return TASKS.get(run.protocol.task, DetectionTask)(run, train_set, test_set, ranks)


def _refuse_other_classes(run: FinetuneRun, init: Path, train_set: Dataset, test_set: Dataset) -> None:
    if train_set.classes != test_set.classes:
        found = sorted(set(train_set.classes) ^ set(test_set.classes)) or "equal names in another order"
        raise ValueError(
            f"{run.train} and {run.test} have different classes ({found}), so labels would mean different "
            "things: give both data sets the same `classes`"
        )
    if run.protocol.masks and (known := read_card(read_weights(init)[1], init).classes) != tuple(
        test_set.classes
    ):
        raise ValueError(
            f"{init} finds other classes than {run.train} has: {sorted({*known} ^ {*test_set.classes})}, "
            "and its class head is not trained again: start from a detector of these"
        )


def _publish(
    trained: Detection | Panoptic,
    task: DetectionTask,
    predictions: dict[str, Any],
    settings: bytes,
    attempt: Attempt,
    out: Path,
) -> None:
    """All declared outputs, each by rename, the record last."""
    from sdetr.evaluation.predictions import write_predictions

    save_detector(task.weights(trained), out / "weights.safetensors", task.card())
    write_predictions(out / "predictions.json", predictions)
    names = ["weights.safetensors", "predictions.json", "metrics.jsonl", *task.write(predictions, out)]
    attempt.publish_words(settings, out)
    outputs = {name: out / name for name in names}
    attempt.finish(out / "run.json", outputs, classes=task.test_set.classes, evaluation_recipe=RECIPE)
