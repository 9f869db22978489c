"""Settings of view recipes. No torch here."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from sdetr.config.base import Count, Fraction, Name, NotNegative, Positive, Settings, Sizes, ordered
from sdetr.data.settings import CropSettings
from sdetr.proposals.settings import Policy

RECIPES = {"views": 1, "features": 3}
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


class QuerySettings(Settings):
    """Crops of objects as questions: where in this image is such a thing? (arXiv:2011.09094, §4.3)"""

    crop_px: Count
    """Side of the square that a crop is resized to, pixels."""
    passes: Count
    """Crops that each class of a test image is asked for with, one after another."""
    own_image: bool = True
    """Whether a test crop may come from the image that is asked about, even be of the object to be found."""


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


class PatchesSettings(Settings):
    """Regions drawn without looking."""

    kind: Literal["patches"]
    layout: Literal["random", "grid"]
    """Rectangles of any place and sides, or cells of a grid."""
    min_px: Count
    """Smallest side of a random patch, pixels of the original image; images under two of them have none."""
    proposer: ClassVar[None] = None


class ProposedSettings(Settings):
    """Regions that a proposer found."""

    kind: Literal["proposed"]
    proposer: Name
    policy: Policy
    """Which of them; chance may say how many (importance)."""


class CropsSettings(Settings):
    """A whole image, and crops of regions of it that are to be found there (UP-DETR, DETReg)."""

    kind: Literal["crops"]
    sampler: Annotated[PatchesSettings | ProposedSettings, Field(discriminator="kind")]
    """Where regions come from."""
    draws: Count
    """Views planned per image; epoch e uses draw e mod `draws`."""
    regions: Count
    """Most regions of a view, where the policy does not say how many."""
    least: Count | Literal["all"] = 1
    """An image with fewer is left out of that draw; all: as many as `regions`."""
    flip: Fraction = 0.0
    """Probability that the image is flipped; crops never are."""
    crop: CropSettings | None = None
    """DETR's second branch of augmentation, of the image alone."""
    crop_px: Count
    """Side of the square crops of regions, pixels."""
    colour: ColourSettings
    """Of the crops alone."""

    @property
    def fewest(self) -> int:
        return self.regions if self.least == "all" else self.least

    @property
    def proposer(self) -> str | None:
        return self.sampler.proposer

    @model_validator(mode="after")
    def _enough_regions(self) -> "CropsSettings":
        if self.fewest > self.regions:
            raise ValueError(f"least: {self.least}, but a view has at most {self.regions} regions")
        return self


Views = Annotated[PairsSettings | CropsSettings, Field(discriminator="kind")]


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
    proposals: str | None = None
    """Their proposals, from the root; none where regions are drawn without looking."""


class FeaturesRun(Settings):
    """Everything that decides one file of `data/<scale>/features/`: frozen features of views and crops."""

    stage: Literal["features"]
    recipe: int
    seed: int
    views: Views
    dataset: str
    plan: str
    """The views, from the root."""
