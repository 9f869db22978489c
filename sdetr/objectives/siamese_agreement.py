"""SimSiam (arXiv:2011.10566) between the encoder's outputs for two views as wholes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.objectives.batch_norm import BatchNorm, ranks
from sdetr.precision import exact
from sdetr.types import Memory


class Agreement(nn.Module):
    """Each view predicts the other's projection, which gets no gradient from that."""

    def __init__(self, width: int, levels: int, mimic_padded_pool: bool) -> None:
        """`levels`: how many of the first are looked at, side by side."""
        super().__init__()
        self.levels, self.mimic_padded_pool = levels, mimic_padded_pool
        inner = [*_normed(levels * width, width), nn.ReLU(), *_normed(width, width), nn.ReLU()]
        self.projector = nn.Sequential(*inner, *_normed(width, width))
        self.predictor = nn.Sequential(*_normed(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """Memory of 2B rows → (B,) distances in 0..4 of an image's views, and (2B, D) projections.

        Raises ValueError when training on a single image, which has no batch statistics.
        """
        if self.training and len(memory.tokens) * ranks() < 4:
            raise ValueError("one image in a micro-batch, but batch statistics of a view need two or more")
        # twice, not once: batch statistics are those of one view
        one, two = (self.projector(rows) for rows in self.pooled(memory).chunk(2))
        agreed = _cosine(self.predictor(one), two) + _cosine(self.predictor(two), one)
        return 2 - agreed, torch.cat([one, two]).detach()

    def pooled(self, memory: Memory) -> Tensor:
        """(B, M, D) tokens → (B, levels · D), means over the image or, to mimic, over padding too."""
        counts = [h * w for h, w in memory.shapes]
        levels = zip(
            torch.split(exact(memory.tokens), counts, dim=1),
            torch.split(memory.padding, counts, dim=1),
            strict=True,
        )
        means = [self._mean(tokens, padding) for tokens, padding in list(levels)[: self.levels]]
        return torch.cat(means, dim=-1)

    def _mean(self, tokens: Tensor, padding: Tensor) -> Tensor:
        """(B, M, D), (B, M) → (B, D)."""
        if self.mimic_padded_pool:
            return tokens.mean(dim=1)
        return tokens.masked_fill(padding[..., None], 0).sum(1) / (~padding).sum(1, keepdim=True)


def _normed(inputs: int, width: int) -> list[nn.Module]:
    return [nn.Linear(inputs, width), BatchNorm(width)]


def _cosine(said: Tensor, wanted: Tensor) -> Tensor:
    return F.cosine_similarity(said, wanted.detach(), dim=-1)
