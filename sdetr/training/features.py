"""The features stage: what a frozen backbone says of every planned view and crop, computed once."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sdetr import record
from sdetr.data.dataset import Dataset
from sdetr.data.normalise import normalise
from sdetr.data.progress import ticking
from sdetr.files import write_json
from sdetr.models.backbone import ResNet
from sdetr.settings_file import load
from sdetr.training.attempt import logged_to
from sdetr.training.device import choose_device, describe, peak_bytes
from sdetr.training.frozen import frozen_backbone
from sdetr.training.paths import run_path
from sdetr.types import View
from sdetr.views.colour import Colour
from sdetr.views.features import write_features
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
    with logged_to(scale / "state" / path / "train.log", out=out):
        backbone = frozen_backbone(init).to(chosen)
        dataset, plan = Dataset(Path(run.dataset)), ViewPlan(Path(run.plan))
        inputs = {"settings": settings, "init": init, "dataset": Path(run.dataset), "plan": plan.path}
        begun = record.begin(run.stage, path, run.seed, inputs, out.parent, describe(chosen))
        begun["starts"] = [record.start_entry(0)]
        features = ticking(_features(run, dataset, plan, backbone), sum(plan.counts), "features")
        maps, crops = zip(*features, strict=True)
        write_features(out, plan, maps, crops, backbone.strides[-1])
        seconds = {"total": time.perf_counter() - began}
        ended = record.end(begun, {out.name: out}, seconds, peak_bytes(chosen))
        write_json(out.with_suffix(".json"), ended, indent=1)
        log.info("%s: %d pairs, %.0f MB, %.0f s", out, len(maps), out.stat().st_size / 1e6, seconds["total"])


@torch.no_grad()
def _features(
    run: FeaturesRun, dataset: Dataset, plan: ViewPlan, backbone: ResNet
) -> Iterator[tuple[Tensor, Tensor]]:
    """Of every pair in the plan's order: maps (2, C, h, w) and crop features (2, R, C), on the host.

    A pair at a time: views have sizes of their own, and so no map depends on a neighbour's padding.
    """
    device = next(backbone.parameters()).device
    colour, generator = Colour(run.views.colour), torch.Generator()
    places = {image_id: i for i, image_id in enumerate(dataset.ids)}
    for draw, count in enumerate(plan.counts):
        for row in range(count):
            pair = plan.pair(draw, row)
            views, crops = cut(dataset[places[pair.image_id]].image, pair, run.views.crop_px)
            generator.manual_seed(_colour_seed(run.seed, pair.image_id, draw))
            maps = _last_map(colour(views.to(device), generator=generator), backbone)
            flat = _last_map(colour(crops.flatten(0, 1).to(device), generator=generator), backbone)
            yield maps.cpu(), flat.mean(dim=(2, 3)).view(*crops.shape[:2], -1).cpu()


def _colour_seed(seed: int, image_id: int, draw: int) -> int:
    """Colours of a pair depend on this alone, not on the order of work."""
    return int(np.random.SeedSequence((COLOURS, seed, image_id, draw)).generate_state(1)[0])


def _last_map(images: Tensor, backbone: ResNet) -> Tensor:
    """(M, 3, H, W) in 0..255 → (M, C, h, w)."""
    padding = torch.zeros(len(images), *images.shape[2:], dtype=torch.bool, device=images.device)
    last: Tensor = backbone(normalise(View(images, padding, [])).images)[-1]
    return last
