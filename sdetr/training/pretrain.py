"""Pretraining from beginning to end: a backbone, images and planned views in, a detector out."""

import logging
import shutil
from pathlib import Path

import torch

from sdetr.data.dataset import Dataset
from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import save_tensors
from sdetr.models.detector import Detector
from sdetr.objectives.detreg import Detreg
from sdetr.objectives.objective import Objective
from sdetr.objectives.regions_found import Search
from sdetr.objectives.settings import DetregSettings, SiameseSettings, UpdetrSettings
from sdetr.objectives.siamese import Siamese
from sdetr.objectives.updetr import Updetr
from sdetr.settings_file import load
from sdetr.training.attempt import Attempt, logged_to
from sdetr.training.device import choose_device, rounds_frozen
from sdetr.training.finished import is_finished
from sdetr.training.frozen import frozen_backbone
from sdetr.training.loop import train
from sdetr.training.material import views_of
from sdetr.training.paths import run_path
from sdetr.training.ranks import Ranks
from sdetr.training.settings import PretrainRun
from sdetr.training.timeline import Timeline
from sdetr.training.transfer import transfer
from sdetr.training.view_pictures import Probe, draw_proposals

log = logging.getLogger(__name__)

DETECTOR = "detector."


def pretrain(settings: Path, init: Path, out: Path, device: str = "auto") -> None:
    """Trains what `settings` (a PretrainRun) say on the backbone `init`, and fills the run folder `out`.

    Killed at any moment and called again, it continues, and ends with the same weights.
    """
    ranks, run = Ranks.joined(), load(PretrainRun, settings)
    chosen = choose_device(device)
    _refuse_parted_statistics(run, ranks)
    scale, path = run_path(out, words=5)
    with logged_to(scale / "state" / path / "train.log", ranks, out):
        inputs = {"settings": settings, "init": init} | files_of(run)
        if is_finished(out, inputs, ranks):
            return
        said = settings.read_bytes()
        dataset = Dataset(Path(run.dataset))
        attempt = Attempt(scale, run.stage, path, run, run.seed, inputs, chosen, ranks, {"dataset": dataset})
        if ranks.leads and not attempt.saved:  # pictures of another run's steps are none of this one's
            shutil.rmtree(attempt.folder / "pictures", ignore_errors=True)

        objective = search_of(run, init, chosen)
        material = views_of(run, dataset, ranks.part(run.protocol.batch))
        every = max(1, run.protocol.epochs // run.protocol.pictures)
        timeline = Timeline.of(run.protocol, material.batches.steps_per_pass, every)
        pictures = attempt.folder / "pictures"
        if run.proposals and ranks.leads:
            draw_proposals(dataset, Path(run.proposals), pictures / "proposals.png")
        probe = Probe(material.shown, pictures) if ranks.leads else None

        def measured(objective: Objective, step: int) -> dict[str, float]:
            assert isinstance(objective, Search)
            return probe.look(objective, step) if probe else {}

        trained = train(objective, material.batches.from_step, timeline, attempt, measured, material.prepared)
        assert isinstance(trained, Search)
        card = DetectorCard(model=run.model, trunk=run.trunk, classes=trained.classes)
        if ranks.leads:
            _publish(trained, card, said, attempt, out)


def _refuse_parted_statistics(run: PretrainRun, ranks: Ranks) -> None:
    """Raises ValueError where batch statistics would be a part's: ranks share theirs, accumulation cannot."""
    if ranks.world > 1 and getattr(run.pretext, "mimic_first_image_queries", False):
        raise ValueError("mimic_first_image_queries: a batch has one first image; use one GPU")
    part = ranks.part(run.protocol.batch)
    images, most = part.stop - part.start, run.protocol.micro_batch
    if isinstance(run.pretext, SiameseSettings) and run.pretext.weights.global_ and most and most < images:
        raise ValueError(
            f"micro_batch: {most} of {images} images, but Siamese DETR's global loss normalises over "
            "the whole batch; leave micro_batch unset, and take more GPUs or a smaller batch"
        )


def files_of(run: PretrainRun) -> dict[str, Path]:
    """What it reads beside settings and backbone, by slot."""
    slots = ("dataset", "plan", "proposals", "features", "target")
    return {slot: Path(file) for slot in slots if (file := getattr(run, slot))}


def search_of(run: PretrainRun, init: Path | None, device: torch.device) -> Search:
    """The objective as it begins, on the CPU; `device` is where it is going to train.

    Without `init`, all weights are as they are drawn.
    """
    torch.manual_seed(run.seed)  # weights are drawn on the CPU, so every device begins with the same
    # The detector's own class head, which most pretexts do not use.
    classes = run.pretext.logits if isinstance(run.pretext, DetregSettings) else 1
    detector = Detector(run.model, run.trunk, classes)
    if init:
        transfer(detector, init, ())
    if run.protocol.lr_backbone == 0 and not run.features:
        detector.rounded_on = rounds_frozen(run.protocol.bfloat16, device)
    return _search_around(run, detector)


def _search_around(run: PretrainRun, detector: Detector) -> Search:
    lr_backbone = run.protocol.lr_backbone
    match run.pretext:
        case SiameseSettings() as siamese:
            return Siamese(detector, siamese, run.views.regions)
        case UpdetrSettings() as updetr:
            return Updetr(detector, updetr, run.views.regions, lr_backbone)
        case DetregSettings() as detreg:
            if run.target is None:
                raise ValueError("target: missing; DETReg needs a backbone that says how boxes look")
            target = frozen_backbone(Path(run.target), detreg.target_stage)
            return Detreg(detector, detreg, run.model.detection, target, lr_backbone)


def _publish(objective: Objective, card: DetectorCard, settings: bytes, attempt: Attempt, out: Path) -> None:
    """All declared outputs, each by rename, the record last: what survives, and what is thrown away.

    Where the pretext had a class head of its own, the detector's has learned nothing. Fine-tuning declares
    fresh what belongs to classes.
    """
    tensors = objective.state_dict()
    detector = {
        key.removeprefix(DETECTOR): value for key, value in tensors.items() if key.startswith(DETECTOR)
    }
    idle = () if card.classes else card.model.of_classes
    kept = {key: value for key, value in detector.items() if not key.startswith(idle)}
    heads = {key: value for key, value in tensors.items() if not key.startswith(DETECTOR)}
    save_detector(kept, out / "weights.safetensors", card)
    save_tensors(heads, out / "pretext.safetensors", {"kind": "pretext"})
    shutil.rmtree(out / "pictures", ignore_errors=True)
    shutil.copytree(attempt.folder / "pictures", out / "pictures")
    attempt.publish_words(settings, out)
    outputs = {name: out / name for name in ("weights.safetensors", "pretext.safetensors", "metrics.jsonl")}
    attempt.finish(out / "run.json", outputs)
