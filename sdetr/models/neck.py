"""From the backbone's maps to levels of one width."""

from torch import Tensor, nn

from sdetr.models.variants import NECK_GROUPS, VariantRow

READ = 3
"""Most maps that are read; one more level is made from the last of them."""


class Neck(nn.Module):
    """A 1×1 convolution for every map that is read, a 3×3 one of stride 2 for one more level."""

    def __init__(self, channels: list[int], width: int, row: VariantRow) -> None:
        """`channels` of all maps of the backbone. Raises ValueError when they are too few."""
        super().__init__()
        self.reads = min(row.levels, READ)
        if len(channels) < self.reads:
            raise ValueError(
                f"trunk.stages: {len(channels)}, but {row.levels} levels need the last {self.reads} maps"
            )
        convs = [nn.Conv2d(source, width, 1) for source in channels[-self.reads :]]
        if row.levels > self.reads:
            convs.append(nn.Conv2d(channels[-1], width, 3, stride=2, padding=1))
        self.levels = nn.ModuleList(_normed(conv) if row.group_norm else conv for conv in convs)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """The maps that are read, (B, C, h, w) each → levels, (B, D, h, w) each, ever smaller."""
        sources = [*maps, maps[-1]][: len(self.levels)]
        return [level(source) for level, source in zip(self.levels, sources, strict=True)]


def _normed(conv: nn.Conv2d) -> nn.Sequential:
    nn.init.xavier_uniform_(conv.weight)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return nn.Sequential(conv, nn.GroupNorm(NECK_GROUPS, conv.out_channels))
