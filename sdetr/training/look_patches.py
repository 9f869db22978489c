"""Where UP-DETR finds crops that it is shown (arXiv:2011.09094, Figure 7)."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.data.dataset import Sample
from sdetr.data.layout import beside
from sdetr.data.settings import ResizeSettings
from sdetr.evaluation.look_settings import PatchesSettings, SearchSettings
from sdetr.interop.detectors import read_card
from sdetr.interop.weights import load_exactly, read_weights
from sdetr.models.detector import Detector
from sdetr.objectives.looks import crop_features
from sdetr.objectives.regions_found import REGION
from sdetr.objectives.updetr import Updetr
from sdetr.training.look_one import Columns, fractions, seen
from sdetr.views.colour import Colour
from sdetr.views.pixels import cut_out, resize

CROPS = 9
"""Stream of random numbers."""


class Searcher:
    """A pretext as it was when it ended, shown the largest labelled boxes of an image."""

    def __init__(
        self, what: SearchSettings, show: PatchesSettings, size: ResizeSettings, device: torch.device
    ) -> None:
        self._objective = searching(what).to(device).eval()
        self._colour, self._square = Colour(what.views.colour), (what.views.crop_px, what.views.crop_px)
        self._show, self._size, self._device = show, size, device

    @torch.no_grad()
    def __call__(self, sample: Sample) -> Columns:
        """All queries that are surer than `above`, best first, and which patch each is about."""
        cut = largest(sample, self._objective.patches)
        patches = self._patches(sample, cut)
        view = seen(sample, self._size, self._device, patches)
        detector = self._objective.detector
        said = self._objective.find(detector.encode(view), crop_features(detector, view))
        scores = said.logits[-1, 0].softmax(-1)[:, REGION]  # (P · each,)
        order = scores.argsort(descending=True, stable=True)
        sure = order[scores[order] > self._show.above]
        return {
            "boxes": cxcywh_to_xyxy(said.boxes[-1, 0, sure]).clamp(0, 1),
            "scores": scores[sure],
            "labels": sure // self._objective.each,
            "queries": sure,
            "best": scores.view(len(patches), -1).amax(dim=1),
            "patches": patches.permute(0, 2, 3, 1),
            "cut": fractions(cut, sample),
        }

    def _patches(self, sample: Sample, boxes_px: Tensor) -> Tensor:
        """(P, 3, s, s) bytes, cut and coloured as the pretext did; colours follow from seed and image."""
        crops = beside([resize(cut_out(sample.image, box), self._square) for box in boxes_px.numpy()])
        drawn = np.random.default_rng((CROPS, self._show.seed, sample.image_id)).integers(2**63)
        return self._colour(crops, generator=torch.Generator().manual_seed(int(drawn)))


def searching(what: SearchSettings) -> Updetr:
    """The pretext with its own heads. Raises ValueError for files that are not those of this pretext."""
    weights, metadata = read_weights(Path(what.init))
    card = read_card(metadata, Path(what.init))
    objective = Updetr(Detector(card.model, card.trunk, 1), what.pretext, what.views.regions)
    heads, _ = read_weights(Path(what.heads))
    whole = {f"detector.{key}": value for key, value in weights.items()} | dict(heads)
    load_exactly(objective, whole, what.init, [f"detector.{prefix}" for prefix in card.model.of_classes])
    return objective


def largest(sample: Sample, most: int) -> Tensor:
    """(P, 4) xyxy px: at most so many labelled boxes, by area; of equal ones the first, crowds never."""
    boxes = sample.boxes_xyxy_px[~sample.crowd]
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    return boxes[areas.argsort(descending=True, stable=True)[:most]]
