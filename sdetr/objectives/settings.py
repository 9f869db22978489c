"""Settings of pretexts. No torch here."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sdetr.config.base import Count, Fraction, Name, NotNegative, Settings
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
    frozen: ClassVar[bool] = True
    """Whether the backbone must not learn."""
    mimic_padded_pool: bool = False
    """The released code's global pooling over padded cells too (its `siamdetr_head.py`; trap T13)."""


class UpdetrWeights(Settings):
    """Loss weights of UP-DETR; all act on every decoder layer."""

    label: NotNegative
    box: NotNegative
    giou: NotNegative
    feature: NotNegative
    """What queries say about how their patch looks; 0: nothing."""


class UpdetrSettings(Settings):
    """UP-DETR (arXiv:2011.09094): find patches of an image in it, and say how they look."""

    kind: Literal["updetr"]
    views: Name
    """Recipe in `params/views/`."""
    cost: Weights3
    weights: UpdetrWeights
    no_object: Fraction | None = None
    """Unset: patches over queries, as the paper says (§3.1; trap T6)."""
    group_mask: bool = True
    """Queries of one patch see no others (§3.2, Eq. 3)."""
    query_shuffle: bool = False
    """Every step other queries share a patch (the first version of the paper; its released code can)."""
    query_dropout: Fraction
    """Probability that a query does not see its patch; what it sees is not scaled up (trap T13)."""
    detach: bool = False
    """How patches look is nothing to learn from; matters where the backbone learns (trap T8)."""
    frozen: ClassVar[bool] = False
    """Whether the backbone must not learn."""


class DetregSettings(Settings):
    """DETReg (arXiv:2106.04550): find boxes that a proposer found, and say how they look.

    Costs and weights of classes and boxes are the detector's own.
    """

    kind: Literal["detreg"]
    views: Name
    """Recipe in `params/views/`."""
    target: Name
    """Backbone that says how boxes look, whatever the detector's (trap T16)."""
    target_stage: Count
    """Its stage whose average is wanted (trap T15)."""
    embedding: NotNegative
    """λ_e, of the mean difference in the last layer (trap T17); 0: nothing is said."""
    logits: Count
    """Of the class head, of which the second is "object" (trap T8)."""
    frozen: ClassVar[bool] = False
    """Whether the backbone must not learn."""


Pretext = Annotated[SiameseSettings | UpdetrSettings | DetregSettings, Field(discriminator="kind")]
