"""Masks of what a detector finds already (DETR, arXiv:2005.12872 §5): it stays, and a mask head learns."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from sdetr.models.detector import Detector
from sdetr.models.settings import Weights3
from sdetr.objectives.matcher import ALPHA, GAMMA, match
from sdetr.objectives.objective import Objective
from sdetr.objectives.panoptic_settings import MasksSettings
from sdetr.objectives.targets import padded_targets, pairs_per_image
from sdetr.types import Predictions, View


class Panoptic(Objective):
    """Focal and dice loss of masks, of the last layer's queries that answer for an object."""

    def __init__(self, detector: Detector, settings: MasksSettings, cost: Weights3) -> None:
        """Freezes all of the detector but its mask head; what drops out while it trains still does (F25)."""
        super().__init__()
        detector.freeze_boxes()
        self.detector, self.cost = detector, cost
        self.weights = settings.weights.model_dump()

    def normaliser(self, parts: list[list[View]]) -> dict[str, float]:
        """How many objects the views have, asked for by a query or not."""
        return {"mask": float(sum(len(labels) for (view,) in parts for labels in view.labels))}

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        (view,) = views
        assert view.shown is not None, "masks are learned of views that tell what their pixels show"
        with torch.no_grad():
            memory = self.detector.encode(view)
            predictions = self.detector.decode(memory)
            last = replace(predictions, logits=predictions.logits[-1:], boxes=predictions.boxes[-1:])
            targets = padded_targets(view)
            pairs = match(last, targets, self.cost, self.detector.focal)
        counts = pairs_per_image(targets.counts, self.detector.num_queries)
        asked, place = _rows(pairs.query[0], counts)
        masks = self.detector.masks(memory, _of_queries(predictions, asked))[pairs.image, place]  # (P, h, w)
        masks = masks[:, None]  # each an image, of which there may be none
        said = F.interpolate(masks, view.shown.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
        wanted = (view.shown[pairs.image] == pairs.target[0][:, None, None]).to(said)  # (P, H, W)
        objects = max(normaliser["mask"], 1)
        return {
            "focal": mask_focal(said, wanted).sum() / objects,
            "dice": mask_dice(said, wanted).sum() / objects,
        }


def mask_focal(said: Tensor, wanted: Tensor) -> Tensor:
    """(P, H, W) logits, 0 or 1 → (P,): the mean over pixels (arXiv:1708.02002)."""
    sign = 1 - 2 * wanted
    against = sign * said  # how loud each says what it should not
    share = 0.5 + (0.5 - ALPHA) * sign  # 1 - ALPHA, or ALPHA where wanted
    return (share * against.sigmoid() ** GAMMA * F.softplus(against)).mean((1, 2))


def mask_dice(said: Tensor, wanted: Tensor) -> Tensor:
    """(P, H, W) logits, 0 or 1 → (P,) (arXiv:1606.04797), a pixel more in both than there is."""
    there = said.sigmoid()
    both = (there * wanted).sum((1, 2))
    return 1 - (2 * both + 1) / (there.sum((1, 2)) + wanted.sum((1, 2)) + 1)


def _rows(query: Tensor, counts: list[int]) -> tuple[Tensor, Tensor]:
    """(P,) queries of all images, one after the other → (B, K) of each, K at least 1, and (P,) places there.

    Rows beyond an image's count are some query, about which nobody asks.
    """
    place = torch.cat([torch.arange(count) for count in counts]).to(query.device, non_blocking=True)
    width = max(1, *counts)
    where = torch.cat([torch.arange(n) + image * width for image, n in enumerate(counts)])
    asked = query.new_zeros(len(counts) * width)
    asked = asked.index_copy(0, where.to(query.device, non_blocking=True), query)
    return asked.view(len(counts), width), place


def _of_queries(predictions: Predictions, asked: Tensor) -> Predictions:
    """The last layer's states of (B, K) queries."""
    hidden = predictions.hidden[-1]
    own = hidden.gather(1, asked[..., None].expand(-1, -1, hidden.shape[-1]))
    return replace(predictions, hidden=own[None])
