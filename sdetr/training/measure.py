"""What finds objects without having been told of any: a pretrained detector as it is, or its proposer."""

import logging
import shutil
from pathlib import Path
from typing import Any

import torch

from sdetr import record
from sdetr.data.dataset import Dataset
from sdetr.evaluation.predictions import write_predictions
from sdetr.evaluation.settings import OBJECT, MeasureRun, ProposerSettings
from sdetr.files import write_json, written_whole
from sdetr.objectives.regions_found import REGION
from sdetr.proposals.store import Proposals
from sdetr.settings_file import load
from sdetr.training.attempt import logged_to
from sdetr.training.device import choose_device, describe, peak_bytes
from sdetr.training.infer import clipped_xywh_px, predict
from sdetr.training.paths import run_path
from sdetr.training.pretrained import without_labels
from sdetr.training.stopwatch import Stopwatch

log = logging.getLogger(__name__)


def measure(settings: Path, out: Path, device: str = "auto") -> None:
    """Writes what `settings` (a MeasureRun) ask about every image of a data set into the run folder `out`.

    Raises ValueError when a detector has no logit for "object".
    """
    chosen, watch = choose_device(device), Stopwatch()
    run = load(MeasureRun, settings)
    scale, path = run_path(out, words=5)
    with logged_to(scale / "state" / path / "measure.log", out=out):
        names = {slot: getattr(run.what, slot, None) for slot in ("init", "heads", "proposals")}
        inputs = {"settings": settings, "test": Path(run.test)} | {n: Path(f) for n, f in names.items() if f}
        seed = getattr(run.what, "seed", None)
        begun = record.begin(run.stage, path, seed, inputs, out, describe(chosen))
        begun["starts"] = [record.start_entry(0)]
        with written_whole(out / "settings.yaml") as temporary:
            shutil.copyfile(settings, temporary)
        found = _found(run, Dataset(Path(run.test)), chosen)
        write_predictions(out / "predictions.json", found | {"dataset": Path(run.test).parent.name})
        watch.lap("evaluation")
        outputs = {"predictions.json": out / "predictions.json"}
        ended = record.end(begun, outputs, watch.seconds, peak_bytes(chosen))
        write_json(out / "run.json", ended | {"classes": [OBJECT]}, indent=1)
        log.info("%s: %d boxes after %.0f s", path, len(found["score"]), watch.seconds["total"])


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
