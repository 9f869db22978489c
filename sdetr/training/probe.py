"""How fast a run would train on this machine: some of its steps, on noise in place of images."""

import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from sdetr.data.normalise import normalise
from sdetr.interop.weights import save_weights
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.objectives.objective import Objective
from sdetr.objectives.regions_found import REGION
from sdetr.training.compiled import compile_for
from sdetr.training.device import moment_s
from sdetr.training.finetune import detection_of
from sdetr.training.loop import take_step
from sdetr.training.material import preparing
from sdetr.training.pretrain import search_of
from sdetr.training.settings import FinetuneRun, PretrainRun
from sdetr.training.trainee import Trainee
from sdetr.training.update import Batch
from sdetr.types import View

IMAGES = 8
"""Most images of a batch; a GPU that takes larger ones is a little faster than it is said to be."""
WARM, STEPS = 2, 5
CLASSES, OBJECTS = 80, 7
"""Of fine-tuning; COCO's, about."""
ASKED = 2
"""Objects of the class that one-shot detection asks for; VOC's, about."""


def images_per_second(run: PretrainRun | FinetuneRun, device: torch.device) -> float:
    """By the median of some steps, whose images have the median of the sizes that are drawn; loaders and
    evaluations are not in it.
    """
    batch = min(run.protocol.batch, IMAGES)
    schedule = run.protocol.model_copy(update={"micro_batch": None})
    trainee = beginning(run, device)
    compile_for(device, trainee.objective, schedule.compile)
    views = noise(run, batch, device)
    prepared = preparing(run.views) if isinstance(run, PretrainRun) else normalise
    seconds = []
    for _ in range(WARM + STEPS):
        began = moment_s(device)
        take_step(trainee, views, schedule, run.seed, device, prepared)
        seconds.append(moment_s(device) - began)
    return batch / statistics.median(seconds[WARM:])


def beginning(run: PretrainRun | FinetuneRun, device: torch.device) -> Trainee:
    """As the run begins, but for its weights, which are as they are drawn: no file is read."""
    objective: Objective
    if isinstance(run, FinetuneRun):
        objective = detection_of(run, CLASSES, None, device)
    else:
        with drawn_target(run, run.trunk) as drawn:
            objective = search_of(drawn, None, device)
    return Trainee.begin(objective.to(device).train(), run.protocol, None)


def noise(
    run: PretrainRun | FinetuneRun, batch: int, device: torch.device, size_px: tuple[int, int] | None = None
) -> Batch:
    """Views of a step, B images on the device: of a size (H, W), or of the median size, 4 wide to 3 high."""
    random = torch.Generator().manual_seed(0)
    if isinstance(run, FinetuneRun):
        size = size_px or _size(run.protocol.augment.short, run.protocol.augment.longest)
        if query := run.protocol.query:  # about as many objects of one class as an image of VOC has
            asked = _view(size, torch.zeros(batch, ASKED, dtype=torch.int64), random)
            crops = (batch, 1, 3, query.crop_px, query.crop_px)
            looks = torch.randint(0, 256, crops, dtype=torch.uint8, generator=random)
            return [replace(asked, crops=looks).to(device)]
        labels = torch.randint(CLASSES, (batch, OBJECTS), generator=random)
        view = _view(size, labels, random)
        if run.protocol.masks:  # every pixel shows something
            view = replace(view, shown=torch.zeros_like(view.padding, dtype=torch.int16))
        return [view.to(device)]
    size = size_px or _size(run.protocol.short, run.protocol.longest)
    several = 2 if run.views.kind == "pairs" else 1
    labels = torch.full((batch, run.views.regions), REGION)
    views = [_view(size, labels, random) for _ in range(several)]
    return [_with_looks(view, run, random).to(device) for view in views]


def _size(short: Sequence[int], longest: int) -> tuple[int, int]:
    height = statistics.median_low(short)
    return height, min(longest, height * 4 // 3)


def _view(size: tuple[int, int], labels: Tensor, random: torch.Generator) -> View:
    """Bytes, nothing padded, with a box of any place for each label of (B, N)."""
    batch = len(labels)
    images = torch.randint(0, 256, (batch, 3, *size), dtype=torch.uint8, generator=random)
    centres = 0.3 + 0.4 * torch.rand(*labels.shape, 2, generator=random)
    sides = 0.1 + 0.4 * torch.rand(*labels.shape, 2, generator=random)
    padding = torch.zeros(batch, *size, dtype=torch.bool)
    return View(images, padding, list(range(batch)), list(torch.cat([centres, sides], dim=-1)), list(labels))


def _with_looks(view: View, run: PretrainRun, random: torch.Generator) -> View:
    """Crops of the regions, or what a backbone would say of them where that is made ahead."""
    batch, regions, side = len(view.image_ids), run.views.regions, run.views.crop_px
    if not run.features:
        crops = torch.randint(0, 256, (batch, regions, 3, side, side), dtype=torch.uint8, generator=random)
        return replace(view, crops=crops)
    with torch.device("meta"):
        backbone = ResNet(run.trunk)
    channels, stride = backbone.channels[-1], backbone.strides[-1]
    height, width = (-(-side // stride) for side in view.images.shape[2:])
    maps = torch.rand(batch, channels, height, width, generator=random)
    padding = torch.zeros(batch, height * stride, width * stride, dtype=torch.bool)
    looks = torch.rand(batch, regions, channels, generator=random)
    return replace(view, padding=padding, maps=[maps], crop_features=looks)


@contextmanager
def drawn_target(run: PretrainRun, trunk: TrunkSettings) -> Iterator[PretrainRun]:
    """The run with a backbone that says how boxes look, drawn, where it needs one."""
    if run.target is None:
        yield run
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "target.safetensors"
        save_weights(ResNet(trunk), target, {"kind": "backbone", "trunk": json.dumps(trunk.said())})
        yield run.model_copy(update={"target": str(target)})
