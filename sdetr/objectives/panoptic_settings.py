"""Settings of masks: how they are learned, and how they become segments. No torch here."""

from typing import Annotated, Literal

from pydantic import Field

from sdetr.config.base import Fraction, NotNegative, Settings


class MaskWeights(Settings):
    """Loss weights of a matched query's mask."""

    focal: NotNegative
    dice: NotNegative


class MasksSettings(Settings):
    """A mask head on a detector that stays as it is (DETR, arXiv:2005.12872 §5)."""

    attention: Literal["joint", "per_head"]
    """Its maps of attention sum to 1 over all heads, or each does (trap T19)."""
    weights: MaskWeights
    confident: Fraction
    """Queries with a higher score have a say in what an image is cut into."""
    speck_px: Annotated[int, Field(ge=0)]
    """Segments of so many pixels or fewer are none."""
