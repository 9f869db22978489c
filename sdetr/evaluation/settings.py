"""Settings of what is measured without being trained, and of the evaluation stage. No torch here."""

from typing import Annotated, Literal

from pydantic import Field

from sdetr.config.base import Count, Name, Settings, Strings
from sdetr.data.settings import ResizeSettings
from sdetr.models.settings import ModelSettings, TrunkSettings

RECIPE = 1
"""Raise it when the same predictions give other numbers, or other resamples."""

RESAMPLES = "resamples.json"
"""Beside `metrics.json`."""

OBJECT = "object"
"""The one class that there is where classes are ignored."""


class ProposalsProtocolSettings(Settings):
    """What DETReg (arXiv:2106.04550, §5) calls object proposals: are there objects, whatever they are?"""

    task: Literal["proposals"]
    dataset: Name
    """Images that are looked at, and whose objects have to be found."""
    resize: ResizeSettings
    max_detections: Count = 100
    """Boxes kept per image; COCO evaluates no more."""
    logits: Annotated[int, Field(ge=2)]
    """Of the class head that an untrained detector is drawn with; its second is read, as of all others."""


class CostProtocolSettings(Settings):
    """What a step takes (Siamese DETR, supplement, Table 3), of the pretraining that a row starts from."""

    task: Literal["bench"]
    batch: Count
    """Images of a step, on one device, whatever the pretraining's own batch."""
    warm_steps: Annotated[int, Field(ge=0)]
    """Steps before anything is measured: kernels are chosen and memory is taken in the first ones."""
    steps: Count
    """Steps that are measured."""


class UntrainedSettings(Settings):
    """A detector drawn around a backbone."""

    kind: Literal["untrained"]
    seed: int
    model: ModelSettings
    trunk: TrunkSettings
    init: str
    """The backbone, from the root."""


class PretrainedSettings(Settings):
    """A detector as its pretext left it; which detector, its file says."""

    kind: Literal["pretrained"]
    init: str
    """From the root."""
    heads: str
    """What the pretext throws away, from the root: a class head, where the detector's has learned nothing."""


class ProposerSettings(Settings):
    """What a pretext would learn from."""

    kind: Literal["proposer"]
    proposals: str
    """From the root."""


class MeasureRun(Settings):
    """Everything that decides the predictions of one folder of `data/<scale>/evaluate/`."""

    stage: Literal["measure"]
    recipe: int
    protocol: ProposalsProtocolSettings
    test: str
    """Index of the images, from the root."""
    what: Annotated[UntrainedSettings | PretrainedSettings | ProposerSettings, Field(discriminator="kind")]


class EvaluateRun(Settings):
    """Everything besides the predictions that decides `metrics.json` and `resamples.json`."""

    stage: Literal["evaluate"]
    recipe: int
    test: str
    """Index of the test set, from the root."""
    any_class: bool = False
    """Classes are ignored: an object is found by whatever box is around it."""
    eleven_point: bool = False
    """Pascal VOC 2007's numbers are given beside COCO's."""
    matched: bool = False
    """Class and box error are given beside them, of the queries that answer for objects."""
    novel: Strings = ()
    """Classes over which AP is given beside it; all answers of theirs count, on images without them, too."""
    one_shot: bool = False
    """Answers are about one class of an image at a time; each class has a number, and there are two means."""
    unseen: Strings = ()
    """Classes of one of those means, which no training image shows; the others have the other."""
    panoptic: str | None = None
    """JSON of segments, from the root: then panoptic quality and masks are measured beside boxes."""
    resamples: Count = 1000
    """How often the test images are drawn anew, for the intervals of differences in tables."""
