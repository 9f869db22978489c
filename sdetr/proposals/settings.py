"""Settings of proposers. No torch here."""

from typing import Annotated, Literal

from pydantic import Field

from sdetr.config.base import Count, NotNegative, Positive, Settings

RECIPE = 1
"""Raise it when the same settings propose other boxes."""


class EdgeBoxesSettings(Settings):
    """OpenCV's EdgeBoxes (Zitnick and Dollár, ECCV 2014); names and defaults of the method's own."""

    kind: Literal["edgeboxes"]
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
    most: Count
    min_side: Positive
    """Smallest side, a fraction of the image's."""
    seed: int


Proposer = Annotated[EdgeBoxesSettings | RandomBoxesSettings, Field(discriminator="kind")]


class ProposalsRun(Settings):
    """Everything that decides one file of `data/<scale>/proposals/`."""

    stage: Literal["proposals"]
    recipe: int
    proposer: Proposer
    dataset: str
    """Index of the images, from the root."""
