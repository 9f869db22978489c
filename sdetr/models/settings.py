"""Settings of backbones and detectors. No torch here; `variants.py` has the rows that `variant` names."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from sdetr.config.base import Count, Fraction, NotNegative, Positive, Settings
from sdetr.models.variants import NECK_GROUPS, VARIANTS


def _known(variant: str) -> str:
    if variant not in VARIANTS:
        raise PydanticCustomError("literal_error", "unknown", {"expected": ", ".join(map(repr, VARIANTS))})
    return variant


Variant = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(VARIANTS)})]
"""A row of the table of detectors."""


class TrunkSettings(Settings):
    """The shape of a ResNet, cut after `stages` of its four stages."""

    arch: Literal["resnet18", "resnet34", "resnet50", "resnet101"]
    width: Count = 64
    """Channels of the stem; 64 is the published network (arXiv:1512.03385)."""
    stages: Annotated[int, Field(ge=1, le=4)] = 4
    dilated: bool = False
    """DC5: the last stage has stride 1 and dilation 2, its first block dilation 1."""
    standardise: bool = False
    """Subtract a stored mean from every output channel and divide by a stored deviation."""


class Weights3(Settings):
    """One number each for class, L1 box and GIoU terms."""

    label: NotNegative
    box: NotNegative
    giou: NotNegative


class DetectionSettings(Settings):
    """Matching costs and loss weights, given per family (DETR: arXiv:2005.12872 §A.4)."""

    cost: Weights3
    weights: Weights3
    no_object: Fraction | None = None
    """Weight of the no-object class; softmax families only."""


class DenoisingSettings(Settings):
    """Training also asks about objects that it has disturbed, and knows the answers (arXiv:2203.01305 §4)."""

    groups: Count
    """How often every object is asked about."""
    label_noise: Fraction
    """Probability that another label, drawn from all, stands in for an object's."""
    box_noise: Fraction
    """Largest shift of a centre, a share of half the sides, and largest change of the sides."""


class ModelSettings(Settings):
    """One detector of `params/models/`."""

    variant: Variant
    queries: Count
    width: Count
    heads: Count
    ffn: Count
    encoder_layers: Count
    decoder_layers: Count
    dropout: Fraction
    prenorm: bool = False
    """DETR's `--pre_norm`: norms before attention and FFN, and one more after the encoder."""
    temperature: Positive
    """Of the sine position of the grid."""
    reference_temperature: Positive = 10000.0
    """Of the sine of reference points in the decoder."""
    turns: Positive = 1.0
    """How often a sine's first frequency goes round over the image; 1 is 2π (arXiv:2005.12872)."""
    points: Count = 4
    """Samples per query, head and level; deformable variants only (arXiv:2010.04159 §5)."""
    patterns: Annotated[int, Field(ge=0)] = 0
    """Learned contents that every anchor is asked with (arXiv:2201.12329 §5); variants with anchors only."""
    recompute_samples: bool = False
    """Deformable attention forgets its samples and takes them again in the backward pass: slower, smaller."""
    denoising: DenoisingSettings | None = None
    """Of the DN variants, and of them alone."""
    mask_attention: Literal["joint", "per_head"] | None = None
    """A mask head: maps of attention sum to 1 over all heads (arXiv:2005.12872, its code), or each does."""
    detection: DetectionSettings

    def with_masks(self, attention: Literal["joint", "per_head"]) -> "ModelSettings":
        """The same with a mask head. Raises ValueError where none was published, or where it does not fit."""
        return ModelSettings.model_validate(self.said() | {"mask_attention": attention})

    @property
    def of_classes(self) -> tuple[str, ...]:
        """Prefixes of the parameters that belong to classes: other classes, other parameters."""
        return ("class_head.", "queries.labels") if VARIANTS[self.variant].denoise else ("class_head.",)

    @property
    def asked(self) -> int:
        """Queries of an image: where anchors are repeated, more than `queries`."""
        return self.queries * max(self.patterns, 1)

    @property
    def levels(self) -> int:
        """Maps that become memory."""
        return VARIANTS[self.variant].levels

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "ModelSettings":
        if self.width % self.heads:
            raise ValueError(f"heads: {self.heads} cannot share a width of {self.width} evenly")
        if self.width % 4:
            raise ValueError(f"width: {self.width} is no multiple of 4, which the 2-d sine position needs")
        return self

    @model_validator(mode="after")
    def _fits_its_variant(self) -> "ModelSettings":
        row = VARIANTS[self.variant]
        if self.prenorm and not row.prenorm:
            known = ", ".join(name for name, other in VARIANTS.items() if other.prenorm)
            raise ValueError(f"prenorm: true, but {self.variant} has no such form; those that do: {known}")
        if self.mask_attention and not row.masks:
            known = ", ".join(name for name, other in VARIANTS.items() if other.masks)
            raise ValueError(
                f"mask_attention: {self.mask_attention}, but {self.variant} has no published mask head, "
                f"whose attention reads memory of one map; those that have: {known}"
            )
        if self.mask_attention and self.width % 16:
            raise ValueError(f"width: {self.width} is no multiple of 16, by which a mask head narrows it")
        if row.denoise != (self.denoising is not None):
            found = "missing; it is a DN variant" if row.denoise else "given; it is no DN variant"
            raise ValueError(f"denoising of {self.variant}: {found}")
        if self.patterns and row.queries != "anchors":
            raise ValueError(f"patterns: {self.patterns}, but {self.variant} has no anchors to repeat")
        if row.group_norm and self.width % NECK_GROUPS:
            raise ValueError(
                f"width: {self.width} is no multiple of {NECK_GROUPS}, which {self.variant}'s neck needs"
            )
        no_object = self.detection.no_object
        if row.focal and no_object is not None:
            raise ValueError(
                f"detection.no_object: {no_object}, but {self.variant} has no such class; unset it"
            )
        if not row.focal and no_object is None:
            raise ValueError(f"detection.no_object: missing; {self.variant} needs its weight (DETR: 0.1)")
        return self


def _without_masks(model: ModelSettings) -> ModelSettings:
    if model.mask_attention is not None:
        raise ValueError(
            f"mask_attention: {model.mask_attention}, but only boxes are trained here: "
            "a mask head would stay as it was drawn; unset it"
        )
    return model


BoxModel = Annotated[ModelSettings, AfterValidator(_without_masks)]
"""A model without a mask head."""
