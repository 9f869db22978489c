"""A detector of any variant: encode a view once, then decode any queries about it."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.anchors import AnchorQueries
from sdetr.models.answers import Answers, best
from sdetr.models.backbone import ResNet
from sdetr.models.decoder import Decoder
from sdetr.models.encoder import Encoder
from sdetr.models.heads import box_heads, class_heads, place_boxes
from sdetr.models.layers import MLP
from sdetr.models.mask_head import MaskHead
from sdetr.models.neck import Neck
from sdetr.models.queries import LearnedQueries
from sdetr.models.settings import ModelSettings, TrunkSettings
from sdetr.models.tokens import Tokens
from sdetr.models.two_stage import ProposalQueries
from sdetr.models.variants import VARIANTS, VariantRow
from sdetr.precision import exact, unrounded
from sdetr.types import Ask, Memory, Predictions, View


class Detector(nn.Module):
    """Backbone, neck, encoder, queries, decoder, heads: the thing that survives pretraining."""

    backbone_frozen = False
    """Whether the backbone never learns, as `freeze_backbone` said last."""
    body_frozen = False
    """Whether only what turns states into answers learns, as `freeze_body` said."""
    rounded_on: frozenset[str] = frozenset()
    """Kinds of device on which a frozen backbone computes in bfloat16."""

    def __init__(self, model: ModelSettings, trunk: TrunkSettings, num_classes: int) -> None:
        super().__init__()
        self.model, self.trunk = model, trunk
        self.row = row = VARIANTS[model.variant]
        self.num_classes, self.focal, self.width = num_classes, row.focal, model.width
        self.num_queries = model.asked
        self.asked_width = model.width - row.denoise
        self.backbone = ResNet(trunk)
        self.neck = Neck(self.backbone.channels, model.width, row)
        self.read = self.neck.reads  # the last so many maps become memory
        self.tokens = Tokens(model)
        self.encoder = Encoder(model)
        self.queries = _queries(model, row, num_classes)
        self.decoder = Decoder(model)
        self.class_head = class_heads(model, num_classes, row)
        self.box_head = box_heads(model, row)
        # drawn last, so that it changes no other weight
        self.mask_head = MaskHead(model, self.backbone.channels) if model.mask_attention else None

    def forward(self, view: View) -> Predictions:
        return self.decode(self.encode(view))

    def encode(self, view: View) -> Memory:
        """The view's images are normalised floats; where its maps were made ahead, nobody looks at them."""
        maps = self.features(view.images) if view.maps is None else view.maps
        read = maps[-self.neck.reads :]
        memory: Memory = self.tokens(self.neck(read), view.padding, read)
        if self.mask_head is not None:
            memory = replace(memory, maps=maps, unencoded=memory.tokens)
        return replace(memory, tokens=self.encoder(memory))

    def features(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) → the backbone's maps that are read, (B, C, h, w) each; if frozen, without a graph."""
        device = images.device.type
        half = self.backbone_frozen and device in self.rounded_on
        rounded = torch.autocast(device, torch.bfloat16) if half else nullcontext()
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.backbone_frozen), rounded:
            maps: list[Tensor] = self.backbone(images)[-self.read if self.mask_head is None else 0 :]
        return [exact(cells) for cells in maps] if half else maps

    def decode(self, memory: Memory, ask: Ask | None = None) -> Predictions:
        if ask is not None and ask.extra is not None and self.row.queries != "anchors":
            raise ValueError("extra queries were asked for, but only anchors can stand beside them")
        queries = self.queries(ask or Ask(), memory, self.class_head, self.box_head)
        states = self.decoder(queries, memory, self.box_head)
        with unrounded(memory.tokens):
            hidden = exact(torch.stack(states.hidden))  # (L, B, Q, D)
            boxes = self._boxes(self.box_head(hidden), states.references)
            logits = self.class_head(hidden)
        return Predictions(logits, boxes, hidden, states.references, queries.first_stage)

    def masks(self, memory: Memory, predictions: Predictions) -> Tensor:
        """(B, Q, h, w) logits, of the last layer's queries, as fine as the first map and padded like it.

        Raises ValueError in a detector without a mask head.
        """
        if self.mask_head is None:
            raise ValueError("this detector has no mask head; its settings would say mask_attention")
        return exact(self.mask_head(predictions.hidden[-1], memory))

    def asked(self, feature: Tensor) -> Ask:
        """(B, Q, `asked_width`), where this variant's queries take it: as position, or else as content.

        The last number of a DN variant's content says whether it is disturbed; here it is 0.
        """
        feature = F.pad(feature, (0, self.width - feature.shape[-1]))
        return Ask(content=feature) if self.row.queries == "anchors" else Ask(position=feature)

    def freeze_backbone(self, lr_backbone: float) -> None:
        """Stem and first stage never learn; at a learning rate of 0 nothing of the backbone does."""
        self.backbone_frozen = lr_backbone == 0
        first = ("conv1.", "bn1.", "layer1.")
        for name, parameter in self.backbone.named_parameters():
            parameter.requires_grad_(lr_backbone > 0 and not name.startswith(first))

    def freeze_body(self) -> None:
        """Class and box heads alone go on learning, and whatever else belongs to classes, which is new."""
        self.freeze_backbone(0)
        self.body_frozen = True
        learning = ("class_head.", "box_head.", *self.model.of_classes)
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.startswith(learning))
        self.train(self.training)

    def freeze_boxes(self) -> None:
        """The mask head alone goes on learning; in the rest, what drops out while it trains still does."""
        self.freeze_backbone(0)
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.startswith("mask_head."))

    def train(self, mode: bool = True) -> Self:
        """A frozen body drops nothing out; heads have nothing to drop."""
        return super().train(mode and not self.body_frozen)

    def reset_content(self) -> None:
        """Draws the learned content of paired queries from Xavier's range; others have none to draw."""
        if isinstance(self.queries, LearnedQueries) and self.queries.content is not None:
            nn.init.xavier_uniform_(self.queries.content)

    def reset_box_head(self) -> None:
        """PyTorch's default initialisation, also where a head starts as "exactly at the reference"."""
        first, *others = self.box_head
        assert isinstance(first, MLP)
        for layer in first.layers:
            assert isinstance(layer, nn.Linear)
            layer.reset_parameters()
        for other in others:
            other.load_state_dict(first.state_dict())

    @staticmethod
    def _boxes(offsets: Tensor, references: list[Tensor]) -> Tensor:
        """(L, B, Q, 4) logits, L × (B, Q, 2 | 4) or none → (L, B, Q, 4)."""
        if not references:
            return place_boxes(offsets, None)
        return torch.stack([place_boxes(*pair) for pair in zip(offsets, references, strict=True)])

    @torch.no_grad()
    def answers(self, predictions: Predictions, sizes_px: Tensor, keep: int) -> list[Answers]:
        """The best `keep` answers per image; sizes_px (B, 2) are H, W of the original images.

        Softmax families give one class per query, focal ones the best of all pairs of query and class.
        """
        return best(predictions, self.focal, sizes_px, keep)


def _queries(model: ModelSettings, row: VariantRow, num_classes: int) -> nn.Module:
    match row.queries:
        case "anchors":
            return AnchorQueries(model, row, num_classes)
        case "proposals":
            return ProposalQueries(model)
        case _:
            return LearnedQueries(model, row)
