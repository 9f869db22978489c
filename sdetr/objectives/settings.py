"""Settings of pretexts. No torch here."""

from typing import Literal

from pydantic import Field

from sdetr.config.base import Fraction, Name, NotNegative, Settings
from sdetr.models.settings import Weights3


class SiameseWeights(Settings):
    """Loss weights of Siamese DETR; the first four act on every decoder layer."""

    label: NotNegative
    box: NotNegative
    giou: NotNegative
    feature: NotNegative
    """λ0: what the queries say about a region's crop."""
    global_: NotNegative = Field(alias="global")
    """λ1: agreement of the two views' encoder outputs."""


class SiameseSettings(Settings):
    """Siamese DETR (CVPR 2023): find the regions of one view in the other, and say how they look."""

    kind: Literal["siamese"]
    views: Name
    """Recipe in `params/views/`."""
    cost: Weights3
    weights: SiameseWeights
    no_object: Fraction
    box_jitter: Fraction
    """Largest shift of a region's corners before its feature is read, a share of its sides (trap T6)."""
    mimic_first_image_queries: bool = False
    """The released code of deformable detectors: all images of a batch are asked about the regions of the
    first (its `deformable_tr.py`; trap T2)."""
    mimic_padded_pool: bool = False
    """The released code's global pooling over padded cells too (its `siamdetr_head.py`; trap T13)."""


Pretext = SiameseSettings
"""A union as soon as there is a second pretext."""
