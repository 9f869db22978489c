"""Settings of proposers. No torch here."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sdetr.config.base import Count, NotNegative, Positive, Settings

RECIPE = 1
"""Raise it when the same settings propose other boxes."""


class EdgeBoxesSettings(Settings):
    """OpenCV's EdgeBoxes (Zitnick and Dollár, ECCV 2014); names and defaults of the method's own."""

    kind: Literal["edgeboxes"]
    rankings: ClassVar[int] = 1
    edges: Literal["auto", "structured", "gradient"]
    """Edge map: the structured forest of `model`, image gradients, or the forest if its file is present."""
    model: str = ""
    """File of the structured forest (`model.yml.gz`), below `data/raw/downloads/` or absolute."""
    model_url: str = ""
    """Where that file is published, for the message that asks for it."""
    most: Count
    """Most boxes per image."""
    alpha: Positive
    beta: Positive
    eta: Positive
    min_score: NotNegative
    edge_min_mag: NotNegative
    edge_merge_thr: NotNegative
    cluster_min_mag: NotNegative
    max_aspect_ratio: Positive
    min_box_area: NotNegative
    """Pixels of the original image."""
    gamma: Positive
    kappa: Positive


class RandomBoxesSettings(Settings):
    """Boxes drawn without looking: corners uniform, sides and aspect bounded."""

    kind: Literal["random"]
    rankings: ClassVar[int] = 1
    most: Count
    min_side: Positive
    """Smallest side, a fraction of the image's."""
    seed: int


class SelectiveSearchSettings(Settings):
    """OpenCV's Selective Search (Uijlings et al., IJCV 2013); all its boxes are kept."""

    kind: Literal["selective_search"]
    mode: Literal["fast", "quality"]
    """Two colour spaces, three segmentations, two similarities; or five, five, four."""
    size: Count | None = None
    """Side of the square that an image is squashed to before, pixels; else it is searched as it is."""
    colours: Literal["rgb", "bgr"]
    """Order of the channels as OpenCV gets them; it takes them for bgr."""
    rankings: Count
    """How many random rankings are drawn per image; draw d uses ranking d mod `rankings`."""


Proposer = Annotated[
    EdgeBoxesSettings | SelectiveSearchSettings | RandomBoxesSettings, Field(discriminator="kind")
]


class TopSettings(Settings):
    """DETReg's Top-K: the first boxes of the ranking of the draw."""

    kind: Literal["top"]


class RandomSettings(Settings):
    """DETReg's Random-K: any boxes of the whole list, none twice."""

    kind: Literal["random"]


class ImportanceSettings(Settings):
    """DETReg's importance sampling: the i-th box, from 1, with probability −ln(i / (first + 1)) / divisor."""

    kind: Literal["importance"]
    first: Count
    """How many boxes can be chosen at all."""
    divisor: Positive
    """About how many boxes there are for each that is chosen: 300 and 10 give 29.7."""


class OtherImageSettings(Settings):
    """DETReg's ablation: the first boxes of any other image, in that image's pixels."""

    kind: Literal["other_image"]


Policy = Annotated[
    TopSettings | RandomSettings | ImportanceSettings | OtherImageSettings, Field(discriminator="kind")
]


class ProposalsRun(Settings):
    """Everything that decides one file of `data/<scale>/proposals/`."""

    stage: Literal["proposals"]
    recipe: int
    proposer: Proposer
    dataset: str
    """Index of the images, from the root."""
