"""Siamese DETR (CVPR 2023): find the regions of one view in the other, and say how they look."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from sdetr.models.detector import Detector
from sdetr.models.layers import MLP
from sdetr.objectives.looks import crop_features
from sdetr.objectives.losses import box_losses, cross_entropy, matched
from sdetr.objectives.matcher import match
from sdetr.objectives.regions_found import (
    CLASSES,
    REGION,
    Search,
    boxes_found,
    description_loss,
    last_iou,
)
from sdetr.objectives.settings import SiameseSettings
from sdetr.objectives.siamese_agreement import Agreement
from sdetr.objectives.siamese_regions import jittered, region_features
from sdetr.objectives.siamese_views import of_first_images, stacked, twins
from sdetr.objectives.spread import spread
from sdetr.objectives.targets import Targets
from sdetr.types import Memory, Predictions, View


class Siamese(Search):
    """Losses of all decoder layers as plain sums, and the `global` one; a term of weight 0 is not computed.

    The detector survives without its class head; all other parameters are this pretext's own.
    """

    def __init__(self, detector: Detector, settings: SiameseSettings, regions: int) -> None:
        """`regions` per view. Raises ValueError when they cannot share the detector's queries evenly."""
        super().__init__()
        if detector.num_queries % regions:
            raise ValueError(f"{detector.num_queries} queries cannot be shared evenly by {regions} regions")
        self.detector, self.settings, self.regions = detector, settings, regions
        detector.freeze_backbone(0.0)  # it says what is wanted, and must not learn to want less
        detector.reset_box_head()  # as the paper's code draws both, on every detector; fine-tuning gets them
        detector.reset_content()
        weights = settings.weights.model_dump(by_alias=True)
        self.weights = {name: weight for name, weight in weights.items() if weight}
        width, read = detector.width, detector.read
        channels = sum(detector.backbone.channels[-read:])
        self.to_query = nn.Linear(channels, detector.asked_width)
        self.class_head = nn.Linear(width, CLASSES)
        self.feature_head = MLP(width, width, channels)
        self.agreement = Agreement(width, read, settings.mimic_padded_pool)

    def normaliser(self, parts: list[list[View]]) -> dict[str, float]:
        """Sums: of class weights and of regions over both directions, and of images over one.

        Divided by sums over both directions, losses are the mean of the two.
        """
        images = float(sum(len(one.image_ids) for one, _ in parts))
        spare = self.detector.num_queries - self.regions
        weight = self.regions + self.settings.no_object * spare  # of all classes in one view
        return {"label": 2 * images * weight, "box": 2 * images * self.regions, "images": images}

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        """Two views of the same images, with the same regions.

        Raises ValueError when an image has another number of regions, or views say not how those look.
        """
        both = stacked(*views)
        targets = self._targets(both)
        memory = self.detector.encode(both)
        said = self.find(both, memory)
        pairs = match(said, targets, self.settings.cost, focal=False)
        box, giou = box_losses(said, pairs, targets)
        label = cross_entropy(said.logits, pairs, targets, self.settings.no_object)
        losses = {"label": label / normaliser["label"], "box": box / normaliser["box"]}
        losses["giou"] = giou / normaliser["box"]
        self.meters["iou"] = last_iou(said, pairs, targets)
        looks = crop_features(self.detector, both) if "feature" in self.weights else None  # (2B, R, C)
        with torch.autocast(memory.tokens.device.type, enabled=False):
            if looks is not None:
                described = self.feature_head(matched(said.hidden, pairs))  # (L, P, C)
                self.meters["feature_spread"] = spread(described[-1])
                losses["feature"] = description_loss(described, twins(looks), pairs) / normaliser["box"]
            if "global" in self.weights:
                apart, projected = self.agreement(memory)
                losses["global"] = apart / normaliser["images"]
                self.meters["global_spread"] = spread(projected)
        return {name: losses[name].sum() for name in self.weights}

    def find(self, both: View, memory: Memory) -> Predictions:
        """Every row of 2B is searched for the regions of its twin; logits are the pretext's."""
        boxes = torch.stack(both.boxes)  # (2B, R, 4)
        boxes = jittered(boxes, self.settings.box_jitter) if self.training else boxes
        strides = self.detector.backbone.strides[-len(memory.maps) :]
        regions = region_features(memory.maps, boxes, both.padding, strides)
        with torch.autocast(regions.device.type, enabled=False):  # 8 bits would round references and logits
            asked = self.to_query(regions).repeat_interleave(self.detector.num_queries // self.regions, dim=1)
        asked = of_first_images(asked) if self.settings.mimic_first_image_queries else asked
        said = self.detector.decode(memory, self.detector.asked(twins(asked)))
        with torch.autocast(regions.device.type, enabled=False):
            return replace(said, logits=self.class_head(said.hidden))

    @torch.no_grad()
    def found(self, views: list[View]) -> tuple[list[list[Tensor]], Tensor]:
        both = stacked(*views)
        targets = self._targets(both)
        said = self.find(both, self.detector.encode(both))
        pairs = match(said, targets, self.settings.cost, focal=False)
        boxes, images = boxes_found(said, pairs, targets), len(both.image_ids) // 2
        return [boxes[:images], boxes[images:]], last_iou(said, pairs, targets)

    def _targets(self, both: View) -> Targets:
        for image_id, boxes in zip(both.image_ids, both.boxes, strict=True):
            if len(boxes) != self.regions:
                raise ValueError(f"image {image_id} has {len(boxes)} regions, expected {self.regions}")
        boxes = torch.stack(both.boxes)
        labels = torch.full(boxes.shape[:2], REGION, device=boxes.device)
        return Targets(labels, boxes, [self.regions] * len(boxes), both.image_ids)
