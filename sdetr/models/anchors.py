"""Queries that are boxes (DAB-DETR, arXiv:2201.12329): their position follows from where they are."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.heads import Heads
from sdetr.models.queries import Queries, added, fitting
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VariantRow
from sdetr.types import Ask, Memory


class AnchorQueries(nn.Module):
    """A learned box for every query; with patterns every box is asked about once for each of them.

    Query number = pattern · boxes + box. In DN variants the last channel of a content says whether a query
    was made from an object, and the others embed its class, `unknown` being that of all other queries.
    """

    def __init__(self, settings: ModelSettings, row: VariantRow, classes: int) -> None:
        super().__init__()
        self.repeats, self.width = max(settings.patterns, 1), settings.width
        width = settings.width - row.denoise
        self.anchors = nn.Parameter(torch.randn(settings.queries, 4))  # logits of cxcywh
        self.content = _drawn(settings.queries, width) if row.learned_content else None
        self.patterns = _drawn(settings.patterns, settings.width) if settings.patterns else None
        self.labels = _drawn(classes, width) if row.denoise else None
        # the published DN-DAB-Deformable-DETR has it, too, though nothing reads it there
        self.unknown = _drawn(width) if row.denoise else None

    def forward(self, ask: Ask, memory: Memory, class_heads: Heads, box_heads: Heads) -> Queries:
        """Raises ValueError when a position is asked for: ask by content or by reference."""
        if ask.position is not None:
            raise ValueError(
                "a position was asked for, but queries with anchors have none of their own; "
                "ask by content or by reference"
            )
        content = added(self._content(), "content", ask.content, memory)
        boxes = self.anchors.sigmoid().repeat(self.repeats, 1)
        reference = boxes.expand(len(memory.tokens), -1, -1)
        if ask.reference is not None:
            reference = fitting(ask.reference, reference, (4,))
        if ask.extra is not None:
            content = torch.cat([ask.extra.content, content], dim=1)
            reference = torch.cat([ask.extra.reference, reference], dim=1)
        return Queries(content, None, reference, ask.blocked)

    def known(self, labels: Tensor) -> Tensor:
        """(...) labels → (..., D), the content of queries made from objects of these classes."""
        assert self.labels is not None
        return F.pad(self.labels[labels], (0, 1), value=1.0)

    def _content(self) -> Tensor:
        """(Q, D)."""
        content: Tensor = self.anchors.new_zeros(len(self.anchors), self.width)
        if self.content is not None:
            content = self.content
        elif self.unknown is not None:
            content = self.unknown.expand(len(self.anchors), -1)
        content = F.pad(content, (0, self.width - content.shape[-1])).repeat(self.repeats, 1)
        if self.patterns is not None:
            content = content + self.patterns.repeat_interleave(len(self.anchors), dim=0)
        return content


def _drawn(*size: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(size))
