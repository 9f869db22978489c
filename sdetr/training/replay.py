"""A step that was not finite, taken again on the CPU from its capsule alone: no file of the run is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from sdetr.data.normalise import normalise
from sdetr.interop.weights import load_exactly
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.models.variants import VARIANTS
from sdetr.objectives.classify import Classify
from sdetr.objectives.objective import Objective
from sdetr.training.backbone_settings import BackboneRun, TrainedBackbone
from sdetr.training.capsule import Capsule
from sdetr.training.device import choose_device
from sdetr.training.finetune import detection_of
from sdetr.training.loop import take_step
from sdetr.training.material import preparing
from sdetr.training.pretrain import search_of
from sdetr.training.probe import drawn_target
from sdetr.training.ranks import Ranks
from sdetr.training.settings import FinetuneRun, PretrainRun, ScheduleSettings
from sdetr.training.trainee import Trainee
from sdetr.training.update import Prepare

TARGET = "target"
"""Name of the backbone that says how boxes look, in the objective that has one."""

Scene = tuple[Objective, ScheduleSettings, Prepare]


def replay(path: Path) -> str:
    """What is to be said where the step is finite here. Raises FloatingPointError, as the run, if not."""
    capsule = Capsule.load(path)
    values = values_of(capsule)
    said = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    shared = f"; and rank {capsule.rank} of {capsule.world} had a part: look at the others' capsules, too"
    return (
        f"step {capsule.step} is finite here, on the CPU: {said}\n"
        f"in the run, on {capsule.device}: {capsule.found}\n"
        "what differs is the device: its rounding (bfloat16), what it drew for dropout, its memory"
        f"{shared if capsule.world > 1 else ''}"
    )


def values_of(capsule: Capsule) -> dict[str, float]:
    """Losses, `total`, `grad_norm` and meters of the step, as the run's own loop has them."""
    device = choose_device("cpu")
    with _scene(capsule) as (objective, schedule, prepare):
        load_exactly(objective, capsule.weights, "the capsule")
        trainee = Trainee.begin(objective.train(), schedule, None)
        trainee.step = capsule.step
        alone = Ranks(rank=capsule.rank)
        values = take_step(trainee, capsule.batch, schedule, capsule.seed, device, prepare, alone)
    return {name: float(value) for name, value in values.items()}


@contextmanager
def _scene(capsule: Capsule) -> Iterator[Scene]:
    """The objective of the run, its weights as they are drawn, and how its steps are taken."""
    cpu = torch.device("cpu")
    match capsule.stage:
        case "finetune":
            run = FinetuneRun.model_validate(capsule.settings)
            run = run.model_copy(update={"protocol": _as_on(capsule, run.protocol)})
            rows = len(capsule.weights["detector.class_head.0.weight"])
            classes = rows - (not VARIANTS[run.model.variant].focal)  # softmax families count "none"
            yield detection_of(run, classes, None, cpu), run.protocol, normalise
        case "pretrain":
            search = PretrainRun.model_validate(capsule.settings)
            search = search.model_copy(update={"protocol": _as_on(capsule, search.protocol)})
            trunk = TrunkSettings.model_validate(capsule.trunks.get(TARGET, search.trunk.said()))
            with drawn_target(search, trunk) as drawn:
                yield search_of(drawn, None, cpu), search.protocol, preparing(search.views)
        case "backbone":
            backbone = BackboneRun.model_validate(capsule.settings).backbone
            assert isinstance(backbone, TrainedBackbone), "nothing else takes steps"
            classes = len(capsule.weights["classifier.weight"])
            yield Classify(ResNet(backbone.trunk, nn.BatchNorm2d), classes), backbone, normalise
        case other:
            raise ValueError(f"a capsule of stage {other!r}; known: finetune, pretrain, backbone")


def _as_on(capsule: Capsule, schedule: ScheduleSettings) -> ScheduleSettings:
    """A GPU's way to round is none of a CPU's; what a CPU rounded itself it rounds again."""
    elsewhere = schedule.bfloat16 == "frozen_anywhere" and not capsule.device.startswith("cpu")
    return schedule.model_copy(update={"compile": "nothing"} | ({"bfloat16": "frozen"} if elsewhere else {}))
