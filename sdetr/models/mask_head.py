"""The mask of each answer (DETR, arXiv:2005.12872 §5): where its query looks, sharpened by earlier maps."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.attention import split_heads
from sdetr.models.layers import linear
from sdetr.models.settings import ModelSettings
from sdetr.types import Memory

GROUPS = 8
"""Of channels, each normalised by itself; fewer where so many cannot share the channels evenly."""
TOGETHER = 25
"""Queries of an image whose maps are made at once: without gradients, more queries need no more memory."""


class MaskHead(nn.Module):
    """Attention maps beside the projected last map, refined once at the size of every earlier map."""

    def __init__(self, settings: ModelSettings, channels: list[int]) -> None:
        """`channels` of all maps of the backbone."""
        super().__init__()
        width, heads = settings.width, settings.heads
        self.attention = Looks(width, heads, joint=settings.mask_attention == "joint")
        laterals = channels[-2::-1]  # from coarse to fine
        widths = [width // 2**i for i in range(1, len(laterals) + 2)]
        self.first = ConvBlock(width + heads, width + heads)
        self.second = ConvBlock(width + heads, widths[0])
        self.adapters = nn.ModuleList(
            _drawn(nn.Conv2d(*pair, 1)) for pair in zip(laterals, widths, strict=False)
        )
        self.refine = nn.ModuleList(ConvBlock(*pair) for pair in pairwise(widths))
        self.out = _drawn(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, hidden: Tensor, memory: Memory) -> Tensor:
        """(B, Q, D) last states of queries → (B, Q, h, w) logits, as fine as the first map.

        Attention reads memory as it was encoded, convolutions as the neck made it.
        """
        assert memory.unencoded is not None
        cells = memory.unencoded.mT.view(len(hidden), -1, *memory.shapes[0])  # (B, D, h, w)
        shared = self.first.of_image(cells)
        laterals = [adapter(cells) for adapter, cells in zip(self.adapters, memory.maps[-2::-1], strict=True)]
        masks = [
            self._masks(self.attention(part, memory), shared, laterals)
            for part in torch.split(hidden, TOGETHER, dim=1)
        ]
        return torch.cat(masks, dim=1)

    def _masks(self, looks: Tensor, shared: Tensor, laterals: list[Tensor]) -> Tensor:
        """(B, Q, heads, M), (B, C, h, w), (B, C, h, w) each → (B, Q, h, w)."""
        batch, queries, heads, _ = looks.shape
        looks = looks.reshape(batch * queries, heads, *shared.shape[-2:])
        x = self.second(self.first.of_queries(looks, shared))
        for block, lateral in zip(self.refine, laterals, strict=True):
            x = F.interpolate(x, size=lateral.shape[-2:])  # the nearest cell
            x = block(x + lateral.repeat_interleave(queries, dim=0))
        masks: Tensor = self.out(x)
        return masks.view(batch, queries, *masks.shape[-2:])


class Looks(nn.Module):
    """Where every head of every query looks."""

    def __init__(self, width: int, heads: int, joint: bool) -> None:
        super().__init__()
        self.heads, self.joint = heads, joint
        self.query = linear(width, width, zero_bias=True)
        self.key = linear(width, width, zero_bias=True)

    def forward(self, hidden: Tensor, memory: Memory) -> Tensor:
        """(B, Q, D) → (B, Q, heads, M), whose sum is 1 over all heads, or for every head."""
        query, key = (split_heads(x, self.heads) for x in (self.query(hidden), self.key(memory.tokens)))
        scores = query @ key.mT / math.sqrt(query.shape[-1])  # (B, heads, Q, M)
        scores = scores.masked_fill(memory.padding[:, None, None], -math.inf).transpose(1, 2)
        return scores.flatten(2).softmax(-1).view(scores.shape) if self.joint else scores.softmax(-1)


class ConvBlock(nn.Module):
    """A 3×3 convolution, a norm of groups, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _drawn(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.norm = nn.GroupNorm(math.gcd(GROUPS, outputs), outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', h, w)."""
        return self._normed(self.conv(x))

    def of_image(self, x: Tensor) -> Tensor:
        """What the first channels add to the convolution: the same for all queries of an image, so once."""
        return F.conv2d(x, self.conv.weight[:, : x.shape[1]], self.conv.bias, padding=1)

    def of_queries(self, x: Tensor, shared: Tensor) -> Tensor:
        """The block, of its last channels (B · Q, C, h, w), and of what its first ones add (B, C', h, w)."""
        own = F.conv2d(x, self.conv.weight[:, -x.shape[1] :], padding=1)
        return self._normed(own + shared.repeat_interleave(len(x) // len(shared), dim=0))

    def _normed(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        return normed.relu()


def _drawn(conv: nn.Conv2d) -> nn.Conv2d:
    nn.init.kaiming_uniform_(conv.weight, a=1)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
