"""The features stage: what a frozen backbone says of every planned view and crop, computed once."""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.data.normalise import normalise
from sdetr.data.progress import ticking
from sdetr.files import write_json
from sdetr.interop.weights import load_exactly, read_weights
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.settings_file import load
from sdetr.training import record
from sdetr.training.attempt import logged_to
from sdetr.training.device import choose_device
from sdetr.training.paths import run_path
from sdetr.types import View
from sdetr.views.colour import Colour
from sdetr.views.features import write_features
from sdetr.views.pairs import Pair
from sdetr.views.pixels import cut
from sdetr.views.settings import FeaturesRun
from sdetr.views.store import ViewPlan

log = logging.getLogger(__name__)

COLOURS = 5
"""Stream of random numbers."""


def make_features(settings: Path, init: Path, out: Path, device: str = "auto") -> None:
    """Writes `out` (safetensors) and its record beside it (.json), from the settings of a FeaturesRun.

    `init` is the backbone's file. Colours are drawn once per planned pair, from (seed, image, draw).
    """
    began = time.perf_counter()
    chosen = choose_device(device)
    run = load(FeaturesRun, settings)
    scale, path = run_path(out, words=4)
    with logged_to(scale / "state" / path / "train.log"):
        backbone = frozen_backbone(init).to(chosen)
        dataset, plan = Dataset(Path(run.dataset)), ViewPlan(Path(run.plan))
        inputs = {"settings": settings, "init": init, "dataset": Path(run.dataset), "plan": plan.path}
        begun = record.begin(run.stage, path, run.seed, inputs, chosen)
        begun["starts"] = [record.start_entry(0)]
        maps, crops = [], []
        for one, other in ticking(_features(run, dataset, plan, backbone), sum(plan.counts), "features"):
            maps.append(one)
            crops.append(other)
        write_features(out, plan, maps, crops, backbone.strides[-1])
        seconds = {"total": time.perf_counter() - began}
        write_json(out.with_suffix(".json"), record.end(begun, {out.name: out}, seconds), indent=1)
        log.info("%s: %d pairs, %.0f MB, %.0f s", out, len(maps), out.stat().st_size / 1e6, seconds["total"])


def frozen_backbone(path: Path) -> ResNet:
    """A backbone's file as a network that never learns. Raises ValueError if it is another kind of file."""
    tensors, metadata = read_weights(path)
    if "trunk" not in metadata:
        raise ValueError(f"{path} does not say what trunk it holds; features are made by a backbone's file")
    backbone = ResNet(TrunkSettings.model_validate(json.loads(metadata["trunk"])))
    load_exactly(backbone, tensors, str(path))
    return backbone.eval().requires_grad_(False)


def colour_seed(seed: int, image_id: int, draw: int) -> int:
    """Colours of a pair depend on this alone: not on the order of work, nor on the device."""
    return int(np.random.SeedSequence((COLOURS, seed, image_id, draw)).generate_state(1)[0])


def _features(
    run: FeaturesRun, dataset: Dataset, plan: ViewPlan, backbone: ResNet
) -> Iterator[tuple[Tensor, Tensor]]:
    """Of every pair in the plan's order: maps (2, C, h, w) and crop features (2, R, C), half precision."""
    device = next(backbone.parameters()).device
    colour, generator = Colour(run.views.colour), torch.Generator()
    places = {image_id: i for i, image_id in enumerate(dataset.ids)}
    for draw, count in enumerate(plan.counts):
        for row in range(count):
            pair = plan.pair(draw, row)
            image = dataset[places[pair.image_id]].image
            generator.manual_seed(colour_seed(run.seed, pair.image_id, draw))
            yield _of(pair, image, run.views.crop_px, colour, generator, backbone, device)
