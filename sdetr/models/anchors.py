"""Queries that are boxes (DAB-DETR, arXiv:2201.12329): their position follows from where they are."""

import torch
from torch import Tensor, nn

from sdetr.models.heads import Heads
from sdetr.models.queries import Queries, added
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VariantRow
from sdetr.types import Ask, Memory


class AnchorQueries(nn.Module):
    """A learned box for every query; with patterns every box is asked about once for each of them.

    Query number = pattern · boxes + box.
    """

    def __init__(self, settings: ModelSettings, row: VariantRow) -> None:
        super().__init__()
        width, self.repeats = settings.width, max(settings.patterns, 1)
        self.anchors = nn.Parameter(torch.randn(settings.queries, 4))  # logits of cxcywh
        learned = (settings.queries, width) if row.learned_content else None
        self.content = nn.Parameter(torch.randn(learned)) if learned else None
        self.patterns = nn.Parameter(torch.randn(settings.patterns, width)) if settings.patterns else None

    def forward(self, ask: Ask, memory: Memory, class_heads: Heads, box_heads: Heads) -> Queries:
        """Raises ValueError when a position is asked for: ask by content or by reference."""
        if ask.position is not None:
            raise ValueError(
                "a position was asked for, but queries with anchors have none of their own; "
                "ask by content or by reference"
            )
        content = added(self._content(memory), "content", ask.content, memory)
        reference = ask.reference
        if reference is None:
            boxes = self.anchors.sigmoid().repeat(self.repeats, 1)
            reference = boxes.expand(len(memory.tokens), -1, -1)
        return Queries(content, None, reference, ask.blocked)

    def _content(self, memory: Memory) -> Tensor:
        """(Q, D)."""
        width = memory.tokens.shape[-1]
        content = self.anchors.new_zeros(len(self.anchors), width) if self.content is None else self.content
        content = content.repeat(self.repeats, 1)
        if self.patterns is not None:
            content = content + self.patterns.repeat_interleave(len(self.anchors), dim=0)
        return content
