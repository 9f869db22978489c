"""Settings of view recipes. No torch here."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sdetr.config.base import Count, Fraction, Name, NotNegative, Positive, Settings, Sizes, ordered

RECIPES = {"views": 1, "features": 1}
"""By stage; raise one when the same settings give other views, or other features of them."""

Range = Annotated[tuple[Positive, Positive], Field(strict=False), AfterValidator(ordered)]
Shares = Annotated[tuple[Fraction, Fraction], Field(strict=False), AfterValidator(ordered)]


class ColourSettings(Settings):
    """Colour augmentation in SimSiam's style, drawn anew for every view and every crop (arXiv:2011.10566)."""

    jitter: Fraction
    """Probability of the four below."""
    brightness: NotNegative
    contrast: NotNegative
    saturation: NotNegative
    hue: Annotated[float, Field(ge=0, le=0.5)]
    gray: Fraction
    """Probability of no colour at all."""
    blur: Fraction
    """Probability of a Gaussian blur."""
    blur_px: Range
    """Its standard deviation is uniform in here."""


class PairsSettings(Settings):
    """Siamese DETR's two overlapping views of an image, with the same regions in both."""

    kind: Literal["pairs"]
    proposer: Name
    draws: Count
    """Pairs planned per image; epoch e uses draw e mod `draws`."""
    regions: Count
    """Regions per pair; the first is the whole overlap."""
    iou: Fraction
    """Least IoU of the two views."""
    area: Shares
    """Share of the image that the rectangle around both views takes."""
    aspect: Range
    """Its width over height, log-uniform."""
    flip: Fraction
    """Probability that both views are flipped, always together."""
    min_region: Fraction
    """Smallest region, a share of the overlap's area in view 1."""
    pad_jitter: Fraction
    """Largest shift of the copies that stand in for missing regions, a share of their sides."""
    crop_px: Count
    """Side of the square crops of regions, pixels."""
    colour: ColourSettings


Views = PairsSettings
"""A union as soon as a second pretext cuts views in another way."""


class ViewsRun(Settings):
    """Everything that decides one file of `data/<scale>/views/`."""

    stage: Literal["views"]
    recipe: int
    seed: int
    views: Views
    short: Sizes
    """Short sides to resize an image to before views are cut, pixels."""
    longest: Count
    dataset: str
    """Index of the images, from the root."""
    proposals: str
    """Their proposals, from the root."""


class FeaturesRun(Settings):
    """Everything that decides one file of `data/<scale>/features/`: frozen features of views and crops."""

    stage: Literal["features"]
    recipe: int
    seed: int
    views: Views
    dataset: str
    plan: str
    """The views, from the root."""
