"""Which class is in the picture? The objective that the embedded backbone is trained with."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.backbone import ResNet
from sdetr.objectives.objective import Objective
from sdetr.precision import exact
from sdetr.types import View


class Classify(Objective):
    """A backbone and a linear classifier, thrown away later, on the average of its last map."""

    def __init__(self, backbone: ResNet, num_classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = nn.Linear(backbone.channels[-1], num_classes)
        self.weights = {"label": 1.0}

    def logits(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised → (B, C)."""
        pooled = self.backbone(images)[-1].mean(dim=(2, 3))  # (B, D)
        logits: Tensor = self.classifier(pooled)
        return exact(logits)

    def normaliser(self, parts: list[list[View]]) -> dict[str, float]:
        return {"images": float(sum(len(view.labels) for (view,) in parts))}

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        """One view whose images have one label each."""
        (view,) = views
        labels = torch.cat(view.labels)  # (B,)
        total = F.cross_entropy(self.logits(view.images), labels, reduction="sum")
        return {"label": total / max(normaliser["images"], 1.0)}
