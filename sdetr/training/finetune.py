"""Fine-tuning from beginning to end: settings and a start in, a finished run folder out."""

import logging
from pathlib import Path
from typing import Any

import torch

from sdetr.data.dataset import Dataset
from sdetr.data.loader import TrainBatches
from sdetr.evaluation.settings import RECIPE
from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.models.detector import Detector
from sdetr.objectives.detection import Detection
from sdetr.objectives.objective import Objective
from sdetr.settings_file import load
from sdetr.training.attempt import Attempt, logged_to
from sdetr.training.device import choose_device, rounds_frozen
from sdetr.training.finished import is_finished
from sdetr.training.infer import predict
from sdetr.training.loop import train
from sdetr.training.matched import Matched
from sdetr.training.paths import run_path
from sdetr.training.pictures import draw_answers
from sdetr.training.ranks import Ranks
from sdetr.training.settings import FinetuneRun
from sdetr.training.timeline import Timeline
from sdetr.training.transfer import transfer

log = logging.getLogger(__name__)


def finetune(settings: Path, init: Path, out: Path, device: str = "auto") -> None:
    """Trains what `settings` (a FinetuneRun) say from the weights `init`, and fills the run folder `out`.

    Killed at any moment and called again, it continues, and ends with the same weights.
    """
    ranks, run = Ranks.joined(), load(FinetuneRun, settings)
    chosen = choose_device(device)
    scale, path = run_path(out, words=5)
    with logged_to(scale / "state" / path / "train.log", ranks, out):
        train_set, test_set = Dataset(Path(run.train)), Dataset(Path(run.test))
        _refuse_other_classes(run, train_set, test_set)
        inputs = {"settings": settings, "init": init, "train": Path(run.train), "test": Path(run.test)}
        if is_finished(out, inputs, ranks):
            return
        said = settings.read_bytes()
        images = {"train": train_set, "test": test_set}
        attempt = Attempt(scale, run.stage, path, run, run.seed, inputs, chosen, ranks, images)

        beginning = detection_of(run, len(train_set.classes), init, chosen)
        protocol = run.protocol
        part = ranks.part(protocol.batch)
        batches = TrainBatches(
            train_set, protocol.augment, protocol.batch, run.seed, protocol.workers, protocol.buckets, part
        )
        timeline = Timeline.of(run.protocol, batches.steps_per_pass, run.protocol.evaluate_every)
        predictions: dict[str, Any] = {}

        def evaluated(objective: Objective, step: int) -> dict[str, float]:
            from sdetr.evaluation.boxes import evaluate

            assert isinstance(objective, Detection)
            predictions.update(_found(run, objective.detector, test_set, ranks))
            return evaluate(Path(run.test), predictions) if ranks.leads else {}

        trained = train(
            beginning, lambda step: ([view] for view in batches.from_step(step)), timeline, attempt, evaluated
        )
        assert isinstance(trained, Detection)
        card = DetectorCard(
            model=run.model, trunk=run.trunk, classes=tuple(test_set.classes), resize=run.protocol.resize
        )
        if ranks.leads:
            _publish(trained.detector, card, test_set, predictions, said, attempt, out)


def detection_of(run: FinetuneRun, classes: int, init: Path | None, device: torch.device) -> Detection:
    """The objective as it begins, on the CPU; `device` is where it is going to train.

    Without `init`, all weights are as they are drawn.
    """
    torch.manual_seed(run.seed)  # weights are drawn on the CPU, so every device begins with the same
    detector = Detector(run.model, run.trunk, classes)
    if init:
        transfer(detector, init, run.fresh)
    detector.freeze_backbone(run.protocol.lr_backbone)
    if run.protocol.train == "heads":
        detector.freeze_body()
    if detector.backbone_frozen:
        detector.rounded_on = rounds_frozen(run.protocol.bfloat16, device)
    return Detection(detector, run.model.detection, run.model.denoising)


def _refuse_other_classes(run: FinetuneRun, train_set: Dataset, test_set: Dataset) -> None:
    if train_set.classes != test_set.classes:
        found = sorted(set(train_set.classes) ^ set(test_set.classes)) or "equal names in another order"
        raise ValueError(
            f"{run.train} and {run.test} have different classes ({found}), so labels would mean different "
            "things: give both data sets the same `classes`"
        )


def _found(run: FinetuneRun, detector: Detector, test_set: Dataset, ranks: Ranks) -> dict[str, Any]:
    """Predictions, in eval mode, and the pairs behind class and box error where the protocol wants them."""
    protocol, pairs = run.protocol, Matched(run.model.detection.cost, detector.focal)
    half, also = protocol.bfloat16 == "all", pairs.add if protocol.matched else None
    found = predict(detector, test_set, protocol.resize, protocol.max_detections, half, None, also, ranks)
    found["dataset"] = Path(run.test).parent.name
    return found | {"matched": pairs.columns(ranks)} if protocol.matched else found


def _publish(
    detector: Detector,
    card: DetectorCard,
    test_set: Dataset,
    predictions: dict[str, Any],
    settings: bytes,
    attempt: Attempt,
    out: Path,
) -> None:
    """All declared outputs, each by rename, the record last."""
    from sdetr.evaluation.predictions import write_predictions

    save_detector(detector.state_dict(), out / "weights.safetensors", card)
    write_predictions(out / "predictions.json", predictions)
    draw_answers(test_set, predictions, out / "pictures" / "test.png")
    attempt.publish_words(settings, out)
    outputs = {name: out / name for name in ("weights.safetensors", "predictions.json", "metrics.jsonl")}
    attempt.finish(out / "run.json", outputs, classes=list(test_set.classes), evaluation_recipe=RECIPE)
