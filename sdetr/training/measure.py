"""What finds objects without having been told of any: a pretrained detector as it is, or its proposer."""

import logging
from pathlib import Path
from typing import Any

import torch

from sdetr.data.dataset import Dataset
from sdetr.evaluation.predictions import write_predictions
from sdetr.evaluation.settings import OBJECT, MeasureRun, ProposerSettings
from sdetr.objectives.regions_found import REGION
from sdetr.proposals.store import Proposals
from sdetr.settings_file import load
from sdetr.training.device import choose_device, peak_bytes
from sdetr.training.infer import clipped_xywh_px, predict
from sdetr.training.pretrained import without_labels
from sdetr.training.short_run import short_run

log = logging.getLogger(__name__)
FILES = ("init", "heads", "proposals")
"""That a detector, or a proposer, is made of."""


def measure(settings: Path, out: Path, device: str = "auto") -> None:
    """Writes what `settings` (a MeasureRun) ask about every image of a data set into the run folder `out`.

    Raises ValueError when a detector has no logit for "object".
    """
    chosen, run = choose_device(device), load(MeasureRun, settings)
    files = {slot: Path(file) for slot in FILES if (file := getattr(run.what, slot, None))}
    seed = getattr(run.what, "seed", None)
    with short_run(run.stage, settings, out, seed, {"test": Path(run.test)} | files, chosen) as short:
        found = _found(run, Dataset(Path(run.test)), chosen)
        write_predictions(out / "predictions.json", found | {"dataset": Path(run.test).parent.name})
        short.watch.lap("evaluation")
        short.finish(["predictions.json"], peak_bytes(chosen), classes=[OBJECT])
        log.info("%s: %d boxes after %.0f s", short.path, len(found["score"]), short.watch.seconds["total"])


def _found(run: MeasureRun, images: Dataset, device: torch.device) -> dict[str, Any]:
    """Columns of predictions, best first in each image, all of one class."""
    keep = run.protocol.max_detections
    match run.what:
        case ProposerSettings(proposals=file):
            return first_boxes(Proposals(Path(file)), images, keep)
        case what:
            detector = without_labels(what, run.protocol.logits)
    return predict(detector.to(device).eval(), images, run.protocol.resize, keep, logit=REGION)


def first_boxes(proposals: Proposals, images: Dataset, keep: int) -> dict[str, Any]:
    """The first boxes of every image, as columns. All are equally sure, so their order alone decides."""
    ids, rows = [], []
    for image_id, size in zip(images.ids, images.sizes, strict=True):
        boxes = torch.from_numpy(proposals.of(image_id)[:keep].copy())
        rows.append(clipped_xywh_px(boxes, torch.tensor(size, dtype=torch.float32)))
        ids += [image_id] * len(boxes)
    return {
        "classes": [OBJECT],
        "image_id": ids,
        "label": [0] * len(ids),
        "box_xywh_px": torch.cat(rows).numpy(),
        "score": [1.0] * len(ids),
    }
