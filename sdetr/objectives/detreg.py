"""DETReg (arXiv:2106.04550): find boxes that a proposer found, and say how they look."""

from dataclasses import replace

import torch
from torch import Tensor

from sdetr.models.backbone import ResNet
from sdetr.models.detector import Detector
from sdetr.models.layers import MLP
from sdetr.models.settings import DetectionSettings
from sdetr.objectives.detection import Detection
from sdetr.objectives.losses import matched
from sdetr.objectives.matcher import Pairs, match
from sdetr.objectives.regions_found import REGION, Search, boxes_found, last_iou
from sdetr.objectives.settings import DetregSettings
from sdetr.objectives.targets import Targets, padded_targets, real_rows
from sdetr.precision import exact
from sdetr.types import Predictions, View


class Detreg(Detection, Search):
    """Detection of one class, "object", and the `embedding` of what is found, in the last layer.

    The detector survives whole; the embedding's head and the network that says what is wanted do not.
    """

    def __init__(
        self,
        detector: Detector,
        settings: DetregSettings,
        detection: DetectionSettings,
        target: ResNet,
        lr_backbone: float = 0.0,
    ) -> None:
        """`target` ends with the stage that is wanted. Raises ValueError if "object" has no logit."""
        super().__init__(detector, detection)
        if detector.num_classes <= REGION:
            raise ValueError(
                f"logits: {detector.num_classes}, but objects are class {REGION}; give 2 or more"
            )
        detector.freeze_backbone(lr_backbone)
        self.classes = tuple("object" if i == REGION else f"unused-{i}" for i in range(detector.num_classes))
        self.target = target.eval().requires_grad_(False)
        self.embedding_head = MLP(detector.width, detector.width, target.channels[-1])
        if settings.embedding:
            self.weights["embedding"] = settings.embedding

    def train(self, mode: bool = True) -> "Detreg":
        """The target network stays as it is (trap T14)."""
        super().train(mode)
        self.target.eval()
        return self

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, Tensor]:
        """One view with boxes of class 1 and a crop of each."""
        (view,) = views
        said, targets = self._searched(view)
        losses, pairs = self.judged(said, targets, normaliser)
        self.meters["iou"] = last_iou(said, pairs, targets)
        if "embedding" in self.weights:
            losses["embedding"] = self._embedding(said, view, pairs) / max(normaliser["box"], 1)
        return losses

    @torch.no_grad()
    def found(self, views: list[View]) -> tuple[list[list[Tensor]], Tensor]:
        (view,) = views
        said, targets = self._searched(view)
        pairs = match(said, targets, self.cost, self.detector.focal)
        return [boxes_found(said, pairs, targets)], last_iou(said, pairs, targets)

    def _searched(self, view: View) -> tuple[Predictions, Targets]:
        objects = [torch.full_like(labels, REGION) for labels in view.labels]
        return self.detector(view), padded_targets(replace(view, labels=objects))

    def _embedding(self, said: Predictions, view: View, pairs: Pairs) -> Tensor:
        """Mean differences of matched pairs in the last layer, summed, ()."""
        with torch.autocast(said.hidden.device.type, enabled=False):
            embedded = self.embedding_head(matched(said.hidden, pairs)[-1])  # (P, C)
            wanted = self._looks(view)[pairs.image, pairs.target[-1]]
            apart: Tensor = (embedded - wanted).abs().mean(-1)  # (P,)
            return apart.sum()

    @torch.no_grad()
    def _looks(self, view: View) -> Tensor:
        """(B, N, C): the average of every crop's map, nothing beyond an image's count.

        Raises ValueError when the view has no crops.
        """
        if view.crops is None:
            raise ValueError("views have no crops, which say how boxes look")
        most = view.crops.shape[1]
        rows = real_rows([len(boxes) for boxes in view.boxes], most, view.crops.device)
        means = exact(self.target(view.crops.flatten(0, 1)[rows])[-1]).mean(dim=(2, 3))
        looks = means.new_zeros(len(view.boxes) * most, means.shape[-1])
        return looks.index_copy(0, rows, means).view(len(view.boxes), most, -1)
