"""Pretraining from beginning to end: a backbone, images and planned views in, a detector out."""

import logging
import shutil
from pathlib import Path

import torch

from sdetr.data.dataset import Dataset
from sdetr.data.normalise import normalise
from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import save_tensors
from sdetr.models.detector import Detector
from sdetr.objectives.objective import Objective
from sdetr.objectives.siamese import Siamese
from sdetr.settings_file import load
from sdetr.training.attempt import Attempt, logged_to
from sdetr.training.device import choose_device
from sdetr.training.loop import train
from sdetr.training.pair_pictures import Probe, draw_proposals
from sdetr.training.paths import run_path
from sdetr.training.settings import PretrainRun
from sdetr.training.timeline import Timeline
from sdetr.training.transfer import transfer
from sdetr.types import View
from sdetr.views.colour import Colour, coloured
from sdetr.views.loader import PairBatches
from sdetr.views.store import ViewPlan

log = logging.getLogger(__name__)

DETECTOR = "detector."


def pretrain(settings: Path, init: Path, out: Path, device: str = "auto") -> None:
    """Trains what `settings` (a PretrainRun) say on the backbone `init`, and fills the run folder `out`.

    Killed at any moment and called again, it continues, and ends with the same weights.
    """
    chosen = choose_device(device)
    run = load(PretrainRun, settings)
    scale, path = run_path(out, words=5)
    with logged_to(scale / "state" / path / "train.log"):
        files = {
            "dataset": run.dataset,
            "plan": run.plan,
            "proposals": run.proposals,
            "features": run.features,
        }
        inputs = {"settings": settings, "init": init} | {n: Path(f) for n, f in files.items() if f}
        said = settings.read_bytes()
        attempt = Attempt(scale, run.stage, path, run, run.seed, inputs, chosen)
        if not attempt.saved:  # pictures of another run's steps are none of this one's
            shutil.rmtree(attempt.folder / "pictures", ignore_errors=True)

        torch.manual_seed(run.seed)  # weights are drawn on the CPU, so every device begins with the same
        detector = Detector(run.model, run.trunk, num_classes=1)
        transfer(detector, init, ())
        detector.frozen_in_half = run.protocol.bfloat16 != "nothing"
        objective = Siamese(detector, run.pretext, run.views.regions)

        dataset, plan = Dataset(Path(run.dataset)), ViewPlan(Path(run.plan))
        batches = _batches(run, dataset, plan)
        every = max(1, run.protocol.epochs // run.protocol.pictures)
        timeline = Timeline.of(run.protocol, batches.steps_per_pass, every)
        draw_proposals(dataset, Path(run.proposals), attempt.folder / "pictures" / "proposals.png")
        probe = Probe(dataset, plan, run.views.crop_px, attempt.folder / "pictures")

        def measured(objective: Objective, step: int) -> dict[str, float]:
            assert isinstance(objective, Siamese)
            return probe.look(objective, step)

        colour = Colour(run.views.colour)

        def prepared(view: View) -> View:
            return view if view.maps is not None else normalise(coloured(view, colour))

        trained = train(objective, batches.from_step, timeline, attempt, measured, prepared)
        _publish(trained, DetectorCard(model=run.model, trunk=run.trunk), said, attempt, out)


def _batches(run: PretrainRun, dataset: Dataset, plan: ViewPlan) -> PairBatches:
    features = Path(run.features) if run.features else None
    return PairBatches(
        dataset, plan, run.views.crop_px, run.protocol.batch, run.seed, run.protocol.workers, features
    )


def _publish(objective: Objective, card: DetectorCard, settings: bytes, attempt: Attempt, out: Path) -> None:
    """All declared outputs, each by rename, the record last: what survives, and what is thrown away.

    Nobody has said which classes there are; fine-tuning declares what is theirs fresh.
    """
    tensors = objective.state_dict()
    detector = {
        key.removeprefix(DETECTOR): value for key, value in tensors.items() if key.startswith(DETECTOR)
    }
    kept = {key: value for key, value in detector.items() if not key.startswith(card.model.of_classes)}
    heads = {key: value for key, value in tensors.items() if not key.startswith(DETECTOR)}
    save_detector(kept, out / "weights.safetensors", card)
    save_tensors(heads, out / "pretext.safetensors", {"kind": "pretext"})
    shutil.rmtree(out / "pictures", ignore_errors=True)
    shutil.copytree(attempt.folder / "pictures", out / "pictures")
    attempt.publish_words(settings, out)
    outputs = {name: out / name for name in ("weights.safetensors", "pretext.safetensors", "metrics.jsonl")}
    attempt.finish(out / "run.json", outputs)
