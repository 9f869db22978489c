"""UP-DETR (arXiv:2011.09094): find patches of an image in it, and say how they look."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.detector import Detector
from sdetr.models.layers import MLP
from sdetr.objectives.looks import crop_features
from sdetr.objectives.losses import box_losses, cross_entropy, matched
from sdetr.objectives.matcher import Pairs, match
from sdetr.objectives.regions_found import (
    CLASSES,
    REGION,
    Search,
    boxes_found,
    description_loss,
    last_iou,
)
from sdetr.objectives.settings import UpdetrSettings
from sdetr.objectives.spread import spread
from sdetr.objectives.targets import Targets
from sdetr.types import Memory, Predictions, View


class Updetr(Search):
    """Losses of all decoder layers as plain sums; a term of weight 0 is not computed.

    The detector survives without its class head; all other parameters are this pretext's own.
    """

    def __init__(
        self, detector: Detector, settings: UpdetrSettings, patches: int, lr_backbone: float = 0.0
    ) -> None:
        """At most `patches` per image. Raises ValueError when they cannot share the queries evenly."""
        super().__init__()
        if detector.num_queries % patches:
            raise ValueError(f"{detector.num_queries} queries cannot be shared evenly by {patches} patches")
        self.detector, self.settings, self.patches = detector, settings, patches
        self.each = detector.num_queries // patches
        self.no_object = patches / detector.num_queries if settings.no_object is None else settings.no_object
        detector.freeze_backbone(lr_backbone)
        detector.reset_box_head()  # PyTorch's own start, as released; fine-tuning gets it
        weights = settings.weights.model_dump()
        self.weights = {name: weight for name, weight in weights.items() if weight}
        channels = sum(detector.backbone.channels[-detector.read :])
        self.to_query = nn.Linear(channels, detector.asked_width)
        self.class_head = nn.Linear(detector.width, CLASSES)
        self.feature_head = MLP(detector.width, detector.width, channels)

    def normaliser(self, parts: list[list[View]]) -> dict[str, float]:
        """Sums of class weights over all queries that were asked, and of patches."""
        patches = [len(boxes) for (view,) in parts for boxes in view.boxes]
        weight = sum(count * (1 + self.no_object * (self.each - 1)) for count in patches)
        return {"label": weight, "box": float(sum(patches))}

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        """Raises ValueError when images have too many patches, or not all the same number."""
        (view,) = views
        said, targets, looks, pairs = self._searched(view)
        box, giou = box_losses(said, pairs, targets)
        label = cross_entropy(said.logits, pairs, targets, self.no_object)
        losses = {"label": label / normaliser["label"], "box": box / normaliser["box"]}
        losses["giou"] = giou / normaliser["box"]
        self.meters["iou"] = last_iou(said, pairs, targets)
        if "feature" in self.weights:
            wanted = looks.detach() if self.settings.detach else looks
            with torch.autocast(looks.device.type, enabled=False):
                described = self.feature_head(matched(said.hidden, pairs))  # (L, P, C)
                losses["feature"] = description_loss(described, wanted, pairs) / normaliser["box"]
            self.meters["feature_spread"] = spread(described[-1])
        return {name: losses[name].sum() for name in self.weights}

    @torch.no_grad()
    def found(self, views: list[View]) -> tuple[list[list[Tensor]], Tensor]:
        (view,) = views
        said, targets, _, pairs = self._searched(view)
        return [boxes_found(said, pairs, targets)], last_iou(said, pairs, targets)

    def find(self, memory: Memory, looks: Tensor) -> Predictions:
        """Searches every image for patches that look so, (B, M, C); answers are of the queries that were
        asked, `each` per patch. While one trains, some of them do not see their patch.
        """
        queries, count = self.detector.num_queries, looks.shape[1]
        owner = torch.arange(queries, device=looks.device) // self.each  # which patch a query is about
        if self.training and self.settings.query_shuffle:
            owner = owner[torch.randperm(queries).to(owner.device)]
        with torch.autocast(looks.device.type, enabled=False):  # 8 bits would round references
            asked = F.pad(self.to_query(looks), (0, 0, 0, self.patches - count))[:, owner]  # (B, Q, ·)
        if self.training:
            asked = asked * (torch.rand(asked.shape[:2]) >= self.settings.query_dropout).to(asked)[..., None]
        ask = replace(self.detector.asked(asked), blocked=self._blocked(owner, count))
        said = self.detector.decode(memory, ask)
        if count < self.patches:
            spare = (owner >= count).to(torch.uint8)  # sorted, because the device is waited for to find them
            said = _of_queries(said, spare.argsort(stable=True)[: self.each * count])
        with torch.autocast(looks.device.type, enabled=False):
            return replace(said, logits=self.class_head(said.hidden))

    def _searched(self, view: View) -> tuple[Predictions, Targets, Tensor, Pairs]:
        targets, looks = self._targets(view), crop_features(self.detector, view)
        said = self.find(self.detector.encode(view), looks)
        return said, targets, looks, match(said, targets, self.settings.cost, focal=False)

    def _blocked(self, owner: Tensor, count: int) -> Tensor | None:
        """(Q, Q): queries of other patches, and those that are about none; None where nothing is."""
        if self.settings.group_mask:
            return owner[:, None] != owner
        if count == self.patches:
            return None
        return (owner >= count) & (owner[:, None] != owner)

    def _targets(self, view: View) -> Targets:
        counts = [len(boxes) for boxes in view.boxes]
        for image_id, count in zip(view.image_ids, counts, strict=True):
            if not 0 < count <= self.patches:
                raise ValueError(f"image {image_id} has {count} patches, expected 1 to {self.patches}")
            if count != counts[0]:
                other = f"image {view.image_ids[0]} {counts[0]}"
                raise ValueError(f"image {image_id} has {count} patches, {other}; a batch needs one number")
        boxes = torch.stack(view.boxes)
        labels = torch.full(boxes.shape[:2], REGION, device=boxes.device)
        return Targets(labels, boxes, counts, view.image_ids)


def _of_queries(said: Predictions, queries: Tensor) -> Predictions:
    """The answers of some queries alone."""
    return replace(
        said,
        logits=said.logits[:, :, queries],
        boxes=said.boxes[:, :, queries],
        hidden=said.hidden[:, :, queries],
        references=[one[:, queries] for one in said.references],
    )
