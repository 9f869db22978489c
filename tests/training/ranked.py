"""Three steps of an objective by as many processes as torchrun started, in doubles: `ranked.py CASE OUT`."""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdetr.data.normalise import normalise
from sdetr.interop.weights import save_weights
from sdetr.models.backbone import ResNet
from sdetr.models.detector import Detector
from sdetr.objectives.detection import Detection
from sdetr.objectives.objective import Objective
from sdetr.objectives.one_shot import OneShot
from sdetr.training.loop import take_step
from sdetr.training.pretrain import search_of
from sdetr.training.ranks import ALONE, Ranks
from sdetr.training.settings import PretrainRun
from sdetr.training.trainee import Trainee
from sdetr.training.update import split
from sdetr.types import View
from tests.models.small import random_boxes
from tests.training.test_every_pretext import run_of

IMAGES, STEPS, CLASSES, SIDE = 8, 3, 5, 64
CASES = ("detection", "one_shot", "updetr", "detreg", "siamese")
LABELLED = {"detection": CLASSES, "one_shot": 1}
"""Cases with labels → how many classes."""
CPU = torch.device("cpu")


def three_steps(case: str, ranks: Ranks = ALONE, micro_batch: int | None = None) -> dict[str, Any]:
    """Gradients of the first step, weights after the last, and what every step lost."""
    torch.set_num_threads(1)
    run, objective = _begun(case)
    schedule = run.protocol.model_copy(update={"batch": IMAGES, "micro_batch": micro_batch})
    trainee = Trainee.begin(objective.double().train(), schedule, None)
    lost, gradients = [], {}
    for step in range(STEPS):
        views = [split(view, IMAGES // ranks.world)[ranks.rank] for view in _batch(case, run, step)]
        values = take_step(trainee, views, schedule, 0, CPU, _doubled, ranks)
        lost.append({name: float(value) for name, value in values.items() if name in objective.weights})
        if step == 0:
            gradients = {
                n: None if p.grad is None else p.grad.clone() for n, p in objective.named_parameters()
            }
    return {"gradients": gradients, "weights": objective.state_dict(), "lost": lost}


def _begun(case: str) -> tuple[PretrainRun, Objective]:
    """Without anything that is drawn for a batch as a whole: dropout, shuffles, jitter."""
    with tempfile.TemporaryDirectory() as folder:
        run = run_of("updetr" if case in LABELLED else case, "detr", Path(folder) / "target.safetensors")
        run = run.model_copy(update={"model": run.model.model_copy(update={"dropout": 0.0})})
        quiet = {"updetr": {"query_dropout": 0.0}, "siamese": {"box_jitter": 0.0}}.get(case, {})
        run = run.model_copy(update={"pretext": run.pretext.model_copy(update=quiet)})
        torch.manual_seed(0)
        if case in LABELLED:
            detector = Detector(run.model, run.trunk, LABELLED[case])
            detector.freeze_backbone(1.0)
            make = Detection if case == "detection" else OneShot
            return run, make(detector, run.model.detection)
        trunk = json.dumps(run.trunk.said())
        save_weights(ResNet(run.trunk), Path(str(run.target)), {"kind": "backbone", "trunk": trunk})
        return run, search_of(run, None, CPU)


def _batch(case: str, run: PretrainRun, step: int) -> list[View]:
    """Images of one size; objects of a detection are three, none, one, two, …"""
    random = torch.Generator().manual_seed(step)
    return [_view(case, run.views.regions, random) for _ in range(2 if case == "siamese" else 1)]


def _view(case: str, regions: int, random: torch.Generator) -> View:
    images = torch.randint(0, 256, (IMAGES, 3, SIDE, SIDE), dtype=torch.uint8, generator=random)
    counts = [(3 - i) % 4 if case in LABELLED else regions for i in range(IMAGES)]
    boxes = [random_boxes(count, random) for count in counts]
    labels = [torch.randint(LABELLED.get(case, 1), (n,), generator=random) for n in counts]
    each = 1 if case == "one_shot" else regions
    crops = torch.randint(0, 256, (IMAGES, each, 3, 32, 32), dtype=torch.uint8, generator=random)
    padding = torch.zeros(IMAGES, SIDE, SIDE, dtype=torch.bool)
    return View(images, padding, list(range(IMAGES)), boxes, labels, None if case == "detection" else crops)


def _doubled(view: View) -> View:
    def double(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.double()

    seen = normalise(view)
    images, crops = double(seen.images), double(seen.crops)
    assert images is not None
    return replace(seen, images=images, crops=crops, boxes=[box.double() for box in seen.boxes])


if __name__ == "__main__":
    joined = Ranks.joined()
    for name in sys.argv[1].split(","):
        found = three_steps(name, joined)
        if joined.leads:
            torch.save(found, Path(sys.argv[2]) / f"{name}.pt")
