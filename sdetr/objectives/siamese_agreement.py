"""SimSiam (arXiv:2011.10566) between the encoder's outputs for two views as wholes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.precision import exact
from sdetr.types import Memory


class Agreement(nn.Module):
    """Each view predicts the other's projection, which gets no gradient from that."""

    def __init__(self, width: int, mimic_padded_pool: bool) -> None:
        super().__init__()
        self.mimic_padded_pool = mimic_padded_pool
        inner = [*_normed(width), nn.ReLU(), *_normed(width), nn.ReLU()]
        self.projector = nn.Sequential(*inner, *_normed(width))
        self.predictor = nn.Sequential(*_normed(width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """Memory of 2B rows → (B,) distances in 0..4 of an image's views, and (2B, D) projections.

        Raises ValueError when training on a single image, which has no batch statistics.
        """
        if self.training and len(memory.tokens) < 4:
            raise ValueError("one image in a micro-batch, but batch statistics of a view need two or more")
        # twice, not once: batch statistics are those of one view
        one, two = (self.projector(rows) for rows in self.pooled(memory).chunk(2))
        agreed = _cosine(self.predictor(one), two) + _cosine(self.predictor(two), one)
        return 2 - agreed, torch.cat([one, two]).detach()

    def pooled(self, memory: Memory) -> Tensor:
        """(B, M, D) tokens → (B, D), their mean over the image or, to mimic, over padding too."""
        tokens = exact(memory.tokens)
        if self.mimic_padded_pool:
            return tokens.mean(dim=1)
        inside = ~memory.padding
        return tokens.masked_fill(memory.padding[..., None], 0).sum(1) / inside.sum(1, keepdim=True)


def _normed(width: int) -> list[nn.Module]:
    return [nn.Linear(width, width), nn.BatchNorm1d(width)]


def _cosine(said: Tensor, wanted: Tensor) -> Tensor:
    return F.cosine_similarity(said, wanted.detach(), dim=-1)
