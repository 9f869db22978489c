"""A detector of any variant: encode a view once, then decode any queries about it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.models.backbone import ResNet
from sdetr.models.decoder import Decoder
from sdetr.models.encoder import Encoder
from sdetr.models.heads import box_head, class_head, place_boxes
from sdetr.models.position import GridPosition, shrink, valid_share
from sdetr.models.queries import LearnedQueries
from sdetr.models.settings import ModelSettings, TrunkSettings
from sdetr.models.variants import VARIANTS
from sdetr.precision import exact
from sdetr.types import Ask, Memory, Predictions, View


@dataclass(frozen=True)
class Answers:
    """What the detector says about one image, best first."""

    scores: Tensor  # (K,)
    labels: Tensor  # (K,) int64
    boxes_xyxy_px: Tensor  # (K, 4), in the image as it was before any resize


class Detector(nn.Module):
    """Backbone, neck, encoder, queries, decoder, heads: the thing that survives pretraining."""

    def __init__(self, model: ModelSettings, trunk: TrunkSettings, num_classes: int) -> None:
        super().__init__()
        row = VARIANTS[model.variant]
        if model.prenorm and not row.prenorm:
            known = ", ".join(name for name, other in VARIANTS.items() if other.prenorm)
            raise ValueError(f"prenorm: true, but {model.variant} has no such form; those that do: {known}")
        self.num_classes, self.num_queries, self.focal = num_classes, model.queries, row.focal
        self.backbone = ResNet(trunk)
        self.neck = nn.Conv2d(self.backbone.channels[-1], model.width, kernel_size=1)
        self.grid = GridPosition(model.width, model.temperature, row.grid_offset, model.turns)
        self.encoder = Encoder(model)
        self.queries = LearnedQueries(model.queries, model.width, row.reference)
        self.decoder = Decoder(model)
        self.class_head = class_head(model.width, num_classes, row)
        self.box_head = box_head(model.width, row)

    def forward(self, view: View) -> Predictions:
        return self.decode(self.encode(view))

    def encode(self, view: View) -> Memory:
        """The view's images are normalised floats; where its maps were made ahead, nobody looks at them."""
        last = (self.features(view.images) if view.maps is None else view.maps)[-1]  # (B, C, h, w)
        size = (last.shape[-2], last.shape[-1])
        padding = shrink(view.padding, size)  # (B, h, w)
        tokens = self.neck(last).flatten(2).transpose(1, 2)  # (B, M, D)
        position = self.grid(padding).flatten(1, 2).to(exact(tokens).dtype)  # (B, M, D)
        hidden = padding.flatten(1)  # (B, M)
        tokens = self.encoder(tokens, position, hidden)
        return Memory(tokens, position, hidden, [size], valid_share(padding)[:, None], [last])

    def features(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) → the backbone's maps, (B, C, h, w) each; if frozen, without a graph."""
        learns = any(parameter.requires_grad for parameter in self.backbone.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and learns):
            maps: list[Tensor] = self.backbone(images)
        return maps

    def decode(self, memory: Memory, ask: Ask | None = None) -> Predictions:
        queries = self.queries(ask or Ask(), memory.tokens.shape[0])
        states, points = self.decoder(queries, memory)
        hidden = torch.stack(states)  # (L, B, Q, D)
        known = [point for point in points if point is not None]
        references = torch.stack(known) if known else None  # (L, B, Q, 2 | 4)
        with torch.autocast(hidden.device.type, enabled=False):  # 8 bits would round boxes to whole pixels
            hidden = exact(hidden)
            boxes = place_boxes(self.box_head(hidden), references)  # (L, B, Q, 4)
            return Predictions(self.class_head(hidden), boxes, hidden, references)

    def freeze_backbone(self, lr_backbone: float) -> None:
        """Stem and first stage never learn; at a learning rate of 0 nothing of the backbone does."""
        first = ("conv1.", "bn1.", "layer1.")
        for name, parameter in self.backbone.named_parameters():
            parameter.requires_grad_(lr_backbone > 0 and not name.startswith(first))

    def reset_box_head(self) -> None:
        """PyTorch's default initialisation, also where a head starts as "exactly at the reference"."""
        for layer in self.box_head.layers:
            assert isinstance(layer, nn.Linear)
            layer.reset_parameters()

    @torch.no_grad()
    def answers(self, predictions: Predictions, sizes_px: Tensor, keep: int) -> list[Answers]:
        """The best `keep` answers per image; sizes_px (B, 2) are H, W of the original images.

        Softmax families give one class per query, focal ones the best of all pairs of query and class.
        """
        logits, boxes = predictions.logits[-1], predictions.boxes[-1]
        if self.focal:
            scores = logits.sigmoid().flatten(1)  # (B, Q · C)
            scores, chosen = scores.topk(min(keep, scores.shape[1]))  # (B, K)
            query, labels = chosen // self.num_classes, chosen % self.num_classes
        else:
            scores, labels = logits.softmax(-1)[..., :-1].max(-1)  # (B, Q)
            scores, query = scores.topk(min(keep, scores.shape[1]))  # (B, K)
            labels = labels.gather(1, query)
        boxes = cxcywh_to_xyxy(boxes).gather(1, query[..., None].expand(-1, -1, 4))
        boxes_px = boxes * sizes_px.to(boxes).flip(1).repeat(1, 2)[:, None]
        return [Answers(*one) for one in zip(scores, labels, boxes_px, strict=True)]
