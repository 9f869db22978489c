"""The backbone stage: a small ResNet trained on single objects, or a published one fetched; one file."""

import json
import logging
import time
from pathlib import Path

import torch
from torch import nn

from sdetr import record
from sdetr.data.normalise import normalise
from sdetr.files import write_json
from sdetr.interop.backbones import fetched_backbone
from sdetr.interop.weights import save_weights
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.objectives.classify import Classify
from sdetr.objectives.objective import Objective
from sdetr.settings_file import load
from sdetr.training.attempt import Attempt, logged_to
from sdetr.training.backbone_settings import BackboneRun, FetchedBackbone, RandomBackbone, TrainedBackbone
from sdetr.training.crops import Crops, Pictures
from sdetr.training.device import choose_device, describe
from sdetr.training.loop import train
from sdetr.training.paths import run_path
from sdetr.training.ranks import Ranks
from sdetr.training.timeline import Timeline

log = logging.getLogger(__name__)

MEASURED = 2000
"""Training images that the standardisation is measured on, spread evenly: its error is then about 2 %."""


def make_backbone(settings: Path, out: Path, device: str = "auto") -> None:
    """Writes `out` (safetensors) and its record beside it (.json), from the settings of a BackboneRun."""
    if Ranks.joined().world > 1:
        raise ValueError("a backbone is trained by one process, with the statistics of its whole batch")
    chosen = choose_device(device)
    run = load(BackboneRun, settings)
    scale, path = run_path(out, words=2)
    with logged_to(scale / "state" / path / "train.log", out=out):
        match run.backbone:
            case FetchedBackbone() as backbone:
                _fetch(backbone, settings, path, out, scale.parent / "raw" / "downloads", chosen)
            case RandomBackbone() as backbone:
                _draw(backbone, settings, path, out, chosen)
            case TrainedBackbone() as backbone:
                _train(run, backbone, settings, out, chosen)


def _fetch(
    backbone: FetchedBackbone, settings: Path, path: str, out: Path, downloads: Path, device: torch.device
) -> None:
    began = time.perf_counter()
    trunk, file = fetched_backbone(backbone, downloads)
    _untrained(trunk, backbone.trunk, {"settings": settings, "download": file}, path, out, device, began)
    log.info("%s: fetched from %s", out, backbone.url)


def _draw(backbone: RandomBackbone, settings: Path, path: str, out: Path, device: torch.device) -> None:
    began = time.perf_counter()
    torch.manual_seed(backbone.seed)
    _untrained(ResNet(backbone.trunk), backbone.trunk, {"settings": settings}, path, out, device, began)


def _untrained(
    trunk: ResNet,
    shape: TrunkSettings,
    inputs: dict[str, Path],
    path: str,
    out: Path,
    device: torch.device,
    began: float,
) -> None:
    """The file and its record."""
    begun = record.begin("backbone", path, None, inputs, out.parent, describe(device))
    begun["starts"] = [record.start_entry(0)]
    _save(trunk, shape, out)
    seconds = {"total": time.perf_counter() - began, "training": 0.0, "evaluation": 0.0}
    write_json(out.with_suffix(".json"), record.end(begun, {out.name: out}, seconds), indent=1)


def _train(
    run: BackboneRun, backbone: TrainedBackbone, settings: Path, out: Path, device: torch.device
) -> None:
    if run.train is None or run.test is None:
        raise ValueError(f"{settings}: a trained backbone needs `train` and `test`, indexes of class folders")
    inputs = {"settings": settings, "train": Path(run.train), "test": Path(run.test)}
    scale, path = run_path(out, words=2)
    attempt = Attempt(scale, run.stage, path, run, backbone.seed, inputs, device)
    pictures, held_out = Pictures(Path(run.train)), Pictures(Path(run.test))
    if pictures.classes != held_out.classes:
        raise ValueError(f"{run.train} and {run.test} have different classes; make both of the same folders")

    torch.manual_seed(backbone.seed)
    objective = Classify(ResNet(backbone.trunk, nn.BatchNorm2d), len(pictures.classes))
    crops = Crops(pictures, backbone.crop_px, backbone.batch, backbone.seed)
    timeline = Timeline.of(backbone, crops.steps_per_pass)
    metrics: dict[str, float] = {}

    def evaluated(objective: Objective, step: int) -> dict[str, float]:
        assert isinstance(objective, Classify)
        metrics["accuracy"] = accuracy(objective, held_out, backbone.crop_px)
        return metrics

    trained = train(
        objective, lambda step: ([view] for view in crops.from_step(step)), timeline, attempt, evaluated
    )
    assert isinstance(trained, Classify)
    trunk = frozen(trained.backbone, backbone.trunk, pictures)
    _save(trunk, backbone.trunk, out)
    chance = 100 / len(pictures.classes)
    log.info("%s: held-out accuracy %.1f %% of %d classes", out, metrics["accuracy"], len(pictures.classes))
    attempt.finish(out.with_suffix(".json"), {out.name: out}, metrics=metrics | {"chance": chance})


@torch.no_grad()
def accuracy(objective: Classify, pictures: Pictures, crop_px: int) -> float:
    """Share of middle crops that get their label, percent."""
    device = next(objective.parameters()).device
    right = 0
    for chosen in torch.split(torch.arange(len(pictures.labels)), 250):
        view = normalise(pictures.view(chosen, crop_px).to(device))
        right += int((objective.logits(view.images).argmax(1) == torch.cat(view.labels)).sum())
    return 100 * right / len(pictures.labels)


@torch.no_grad()
def frozen(trained: ResNet, trunk: TrunkSettings, pictures: Pictures) -> ResNet:
    """The same network with BatchNorms frozen and, if the trunk says so, the last map standardised."""
    device = next(trained.parameters()).device
    fixed = ResNet(trunk).to(device)
    fixed.load_state_dict(trained.state_dict())
    if not trunk.standardise:
        return fixed
    every = max(1, len(pictures.labels) // MEASURED)
    sums = torch.zeros(3, fixed.channels[-1], dtype=torch.float64, device=device)
    for chosen in torch.split(torch.arange(0, len(pictures.labels), every), 250):
        last = fixed(normalise(pictures.view(chosen).to(device)).images)[-1].double().flatten(2)  # (B, C, hw)
        count = torch.full_like(sums[0], last.shape[0] * last.shape[2])
        sums += torch.stack([count, last.sum((0, 2)), last.square().sum((0, 2))])
    mean = sums[1] / sums[0]
    deviation = (sums[2] / sums[0] - mean.square()).clamp(min=0).sqrt()
    fixed.standard_mean.copy_(mean)
    fixed.standard_std.copy_(torch.where(deviation > 1e-6, deviation, 1.0))  # a dead channel stays 0
    return fixed


def _save(trunk: ResNet, shape: TrunkSettings, out: Path) -> None:
    save_weights(trunk, out, {"kind": "backbone", "trunk": json.dumps(shape.said())})
