"""Queries about the encoder's best guesses (Deformable DETR, arXiv:2010.04159 §4.2 and appendix A.4)."""

import torch
from torch import Tensor, nn

from sdetr.models.heads import Heads, place_boxes
from sdetr.models.layers import linear
from sdetr.models.position import sine
from sdetr.models.queries import Queries, added, fitting
from sdetr.models.settings import ModelSettings
from sdetr.precision import exact, unrounded
from sdetr.types import Ask, FirstStage, Memory

SIDE = 0.05
"""Of the box that a token of the first level starts from, in fractions of the image; doubled per level."""
EDGE = 0.01
"""Tokens whose box has a number nearer to 0 or 1 than this cannot be used."""


class ProposalQueries(nn.Module):
    """Every token guesses a box; those whose first class is likeliest are asked about.

    The last class and box head are the guessing ones.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width, self.count = settings.width, settings.queries
        self.temperature, self.turns = settings.reference_temperature, settings.turns
        self.feature = linear(width, width)
        self.feature_norm = nn.LayerNorm(width)
        self.embed = linear(2 * width, 2 * width)
        self.embed_norm = nn.LayerNorm(2 * width)

    def forward(self, ask: Ask, memory: Memory, class_heads: Heads, box_heads: Heads) -> Queries:
        """As many queries as are wanted, or as there are tokens; their references carry no gradient."""
        start, usable = starts(memory)  # (B, M, 4), (B, M)
        features = self.feature_norm(self.feature(memory.tokens.masked_fill(~usable[..., None], 0)))
        with unrounded(features):
            features = exact(features)
            logits = class_heads[-1](features)  # (B, M, C)
            boxes = place_boxes(box_heads[-1](features), start)  # (B, M, 4)
            boxes = boxes.masked_fill(~usable[..., None], 1)
            chosen = logits[..., 0].topk(min(self.count, logits.shape[1])).indices  # (B, Q)
            reference = boxes.detach().gather(1, chosen[..., None].expand(-1, -1, 4))
            # unlike every other sine of a box, in the order x, y, w, h
            swapped = torch.cat([reference[..., :2].flip(-1), reference[..., 2:]], dim=-1)
            known = sine(swapped, self.feature.in_features // 2, self.temperature, self.turns)
            position, content = self.embed_norm(self.embed(known)).chunk(2, dim=-1)
        return Queries(
            content=_plus(content, "content", ask.content, memory),
            position=_plus(position, "position", ask.position, memory),
            reference=reference if ask.reference is None else fitting(ask.reference, reference, (4,)),
            blocked=ask.blocked,
            first_stage=FirstStage(logits, boxes),
        )


def starts(memory: Memory) -> tuple[Tensor, Tensor]:
    """The box in 0..1 that every token starts from, (B, M, 4), and whether it can be used, (B, M)."""
    sides = [memory.centres.new_full((h * w,), SIDE * 2**level) for level, (h, w) in enumerate(memory.shapes)]
    side = torch.cat(sides)[None, :, None].expand(len(memory.centres), -1, 2)
    boxes = torch.cat([memory.centres, side], dim=-1)
    inside = ((boxes > EDGE) & (boxes < 1 - EDGE)).all(-1)
    return boxes, inside & ~memory.padding


def _plus(own: Tensor, slot: str, asked: Tensor | None, memory: Memory) -> Tensor:
    return own if asked is None else own + added(torch.zeros_like(own[0]), slot, asked, memory)
