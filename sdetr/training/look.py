"""What a detector shows in a picture: numbers, which the report draws."""

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from sdetr.data.dataset import Dataset, Sample
from sdetr.data.loader import test_views
from sdetr.data.normalise import normalise
from sdetr.data.settings import ResizeSettings
from sdetr.data.transforms import Targeted, resize
from sdetr.evaluation.look_settings import (
    LOOKS,
    AskedSettings,
    AttentionSettings,
    BoxesSettings,
    DetectionsSettings,
    FinetunedSettings,
    GradientsSettings,
    LookRun,
    PatchesSettings,
    PicturesProtocolSettings,
    SearchSettings,
    SlotsSettings,
)
from sdetr.evaluation.looked import Array, Found, Looked, write_looked
from sdetr.evaluation.settings import PretrainedSettings, ProposerSettings, UntrainedSettings
from sdetr.interop.detectors import load_detector
from sdetr.models.detector import Detector
from sdetr.objectives.regions_found import CLASSES
from sdetr.proposals.store import Proposals
from sdetr.settings_file import load
from sdetr.training.device import choose_device, peak_bytes
from sdetr.training.look_asked import Asker
from sdetr.training.look_one import (
    Finder,
    as_many_as_labels,
    first_proposals,
    fractions,
    shown_size,
    sure_detections,
    with_attention,
    with_gradients,
)
from sdetr.training.look_patches import Searcher
from sdetr.training.measure import FILES
from sdetr.training.pretrained import without_labels
from sdetr.training.short_run import short_run

log = logging.getLogger(__name__)


def look(settings: Path, out: Path, device: str = "auto") -> None:
    """Writes what `settings` (a LookRun) show of a few images, or of all, into the run folder `out`.

    Raises ValueError for a detector that cannot say what is shown, or a data set without labels.
    """
    chosen, run = choose_device(device), load(LookRun, settings)
    files = {slot: Path(file) for slot in FILES if (file := getattr(run.what, slot, None))}
    seed = getattr(run.what, "seed", None)
    with short_run(run.stage, settings, out, seed, {"test": Path(run.test)} | files, chosen) as short:
        looked = looked_at(run, Dataset(Path(run.test)), chosen)
        write_looked(out / LOOKS, looked)
        short.watch.lap("evaluation")
        short.finish([LOOKS], peak_bytes(chosen))
        log.info("%s: %d images after %.0f s", short.path, len(looked.ids), short.watch.seconds["total"])


def looked_at(run: LookRun, images: Dataset, device: torch.device) -> Looked:
    """On the device, where there is a detector to ask."""
    protocol = run.protocol
    if isinstance(protocol.show, SlotsSettings):
        places = _slots(_detector(run).to(device), images, protocol.resize, protocol.show.count)
        return Looked("slots", tuple(images.classes), 0.0, tuple(images.ids), slots=places)
    find, above = _finder(run, images, device), getattr(protocol.show, "above", 0.0)
    samples = list(islice(_labelled(images), protocol.images))
    if not samples:
        raise ValueError(f"{run.test}: no image has a label; pictures are of images that have some")
    found = tuple(_shown(sample, find, protocol) for sample in samples)
    ids = tuple(sample.image_id for sample in samples)
    return Looked(protocol.show.kind, tuple(images.classes), above, ids, found)


def _labelled(images: Dataset) -> Iterator[Sample]:
    """In the order of their numbers."""
    for _, row in sorted((image_id, row) for row, image_id in enumerate(images.ids)):
        sample = images[row]
        if not sample.crowd.all():
            yield sample


def _shown(sample: Sample, find: Finder, protocol: PicturesProtocolSettings) -> Found:
    columns = {name: value.detach().cpu().numpy() for name, value in find(sample).items()}
    one = ~sample.crowd
    bare = Targeted(sample.image, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    small = resize(bare, shown_size(sample, protocol.shown_px)).image
    return Found(
        pixels=small.permute(1, 2, 0).contiguous().numpy(),
        truth=fractions(sample.boxes_xyxy_px[one], sample).numpy(),
        names=sample.labels[one].numpy(),
        **columns,
    )


def _finder(run: LookRun, images: Dataset, device: torch.device) -> Finder:
    """Raises ValueError for what nobody can show."""
    size, longest = run.protocol.resize, run.protocol.shown_px
    match run.protocol.show, run.what:
        case BoxesSettings(), ProposerSettings(proposals=file):
            return first_proposals(Proposals(Path(file)))
        case PatchesSettings() as show, SearchSettings() as what:
            return Searcher(what, show, size, device)
        case AskedSettings(above=above), FinetunedSettings(init=weights):
            return Asker(Path(weights), images, size, above, device)
        case DetectionsSettings(above=above), FinetunedSettings():
            return sure_detections(_detector(run).to(device), size, above)
        case BoxesSettings(), PretrainedSettings() | UntrainedSettings():
            return as_many_as_labels(_detector(run).to(device), size)
        case AttentionSettings(count=count), PretrainedSettings() | UntrainedSettings():
            return with_attention(_detector(run).to(device), size, count, longest)
        case GradientsSettings(), PretrainedSettings(heads=heads):
            return with_gradients(_detector(run).to(device), Path(heads), size, longest)
    raise ValueError(f"what is {run.what.kind} cannot show {run.protocol.show.kind}")


def _detector(run: LookRun) -> Detector:
    """In eval mode, on the CPU."""
    match run.what:
        case FinetunedSettings(init=weights):
            return load_detector(Path(weights))[0]
        case ProposerSettings() | SearchSettings():
            raise ValueError(f"what is {run.what.kind} cannot show {run.protocol.show.kind}")
        case what:
            return without_labels(what, run.protocol.logits or CLASSES)


@torch.no_grad()
def _slots(detector: Detector, images: Dataset, size: ResizeSettings, count: int) -> Array:
    """(images, count, 4) cxcywh of the first queries. Raises ValueError where there are fewer."""
    if detector.num_queries < count:
        raise ValueError(f"show: {count} slots, but the detector has {detector.num_queries} queries")
    device, found = next(detector.parameters()).device, dict[int, Array]()
    for view, _ in test_views(images, size):
        boxes = detector(normalise(view.to(device))).boxes[-1][:, :count]
        found |= dict(zip(view.image_ids, boxes.cpu().numpy(), strict=True))
    return np.stack([found[image_id] for image_id in images.ids])
