"""One-shot detection (UP-DETR, arXiv:2011.09094, §3.2): find all objects of the class that a crop shows."""

import torch
from torch import Tensor, nn

from sdetr.models.detector import Detector
from sdetr.models.settings import DetectionSettings
from sdetr.objectives.detection import Detection
from sdetr.objectives.looks import crop_features
from sdetr.objectives.targets import padded_targets
from sdetr.types import Memory, Predictions, View

MATCHES = 1
"""Classes: what the crop shows; a softmax family counts "none" by itself."""


class OneShot(Detection):
    """Detection of one class, by queries that all know how a crop looks; nothing is described.

    The detector survives with what makes a query of a crop, which UP-DETR has pretrained.
    """

    def __init__(self, detector: Detector, settings: DetectionSettings) -> None:
        """Raises ValueError for a detector of another number of classes."""
        super().__init__(detector, settings)
        if detector.num_classes != MATCHES:
            raise ValueError(f"a detector of {detector.num_classes} classes, expected one: what matches")
        channels = sum(detector.backbone.channels[-detector.read :])
        self.to_query = nn.Linear(channels, detector.asked_width)

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        """One view, with a crop per image, and boxes of label 0: where what it shows is."""
        (view,) = views
        memory, looks = self.detector.encode(view), crop_features(self.detector, view)
        return self.judged(self.find(memory, looks[:, 0]), padded_targets(view), normaliser)[0]

    def find(self, memory: Memory, looks: Tensor) -> Predictions:
        """Searches every image for what looks so, (B, C); all its queries see that, and one another."""
        with torch.autocast(looks.device.type, enabled=False):  # 8 bits would round references
            asked = self.to_query(looks)[:, None].expand(-1, self.detector.num_queries, -1)  # (B, Q, ·)
        return self.detector.decode(memory, self.detector.asked(asked))
