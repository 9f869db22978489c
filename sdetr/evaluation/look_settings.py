"""Settings of what pictures show of a detector: which images, which of its answers. No torch here."""

from typing import Annotated, Literal

from pydantic import Field

from sdetr.config.base import Count, Fraction, Name, Settings
from sdetr.data.settings import ResizeSettings
from sdetr.evaluation.settings import PretrainedSettings, ProposerSettings, UntrainedSettings
from sdetr.objectives.settings import UpdetrSettings
from sdetr.views.settings import CropsSettings

LOOKS = "looks.npz"
"""What a look writes beside its record."""


class BoxesSettings(Settings):
    """As many boxes as the image has labels, those with the highest logit of "object" (DETReg, Figure 1)."""

    kind: Literal["boxes"]


class AttentionSettings(Settings):
    """Boxes with the highest logit of "object", and where the last layer looks for each of them."""

    kind: Literal["attention"]
    count: Count


class DetectionsSettings(Settings):
    """Answers of a fine-tuned detector that are sure enough, with their classes."""

    kind: Literal["detections"]
    above: Fraction


class PatchesSettings(Settings):
    """Where UP-DETR finds crops that it is shown: of the largest labelled boxes, in other colours."""

    kind: Literal["patches"]
    above: Fraction
    seed: int
    """Of the crops' colours."""


class AskedSettings(Settings):
    """Answers of a one-shot detector that are sure enough, and the crop that it was asked with: the first one
    of a measurement, for the image's first class (UP-DETR, Figure 8)."""

    kind: Literal["asked"]
    above: Fraction


class SlotsSettings(Settings):
    """Boxes of the first queries, whatever they find, in all images (DETReg, Figure 4)."""

    kind: Literal["slots"]
    count: Count


class GradientsSettings(Settings):
    """Which pixels move the best box's centre, and its embedding (DETReg, Figure 5)."""

    kind: Literal["gradients"]


Show = (
    BoxesSettings
    | AttentionSettings
    | DetectionsSettings
    | PatchesSettings
    | AskedSettings
    | SlotsSettings
    | GradientsSettings
)


class PicturesProtocolSettings(Settings):
    """What is drawn of a detector as it is, without measuring it."""

    task: Literal["pictures"]
    dataset: Name
    """Images that are looked at."""
    resize: ResizeSettings
    show: Annotated[Show, Field(discriminator="kind")]
    images: Count | None = None
    """How many, the first by number that have labels; unset: all there are."""
    shown_px: Count = 320
    """Longer side of the images and maps that are kept."""
    logits: Annotated[int, Field(ge=2)] | None = None
    """Of the class head that an untrained detector is drawn with; its second is read, as of all others."""


class FinetunedSettings(Settings):
    """A detector that knows the classes of a data set."""

    kind: Literal["finetuned"]
    init: str
    """From the root."""


class SearchSettings(Settings):
    """A detector with all that its pretext would throw away, to be shown patches."""

    kind: Literal["search"]
    init: str
    heads: str
    pretext: UpdetrSettings
    views: CropsSettings
    """How the pretext cut and coloured patches, and how many it showed at a time."""


Looker = PretrainedSettings | UntrainedSettings | FinetunedSettings | SearchSettings | ProposerSettings


class LookRun(Settings):
    """Everything that decides what one detector shows in a figure."""

    stage: Literal["look"]
    recipe: int
    protocol: PicturesProtocolSettings
    test: str
    """Index of the images, from the root."""
    what: Annotated[Looker, Field(discriminator="kind")]
