"""Settings of backbones: published ones, and those that are trained on embedded images. No torch here."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdetr.config.base import Count, Name, Settings
from sdetr.models.settings import TrunkSettings
from sdetr.training.settings import ScheduleSettings


class TrainedBackbone(ScheduleSettings):
    """An embedded backbone: classify single objects of classes that no detection set has."""

    kind: Literal["trained"]
    trunk: TrunkSettings
    seed: int
    dataset: Name
    test: Name
    crop_px: Count
    """Side of the square training crop, pixels."""


class FetchedBackbone(Settings):
    """A published backbone, downloaded once."""

    kind: Literal["swav", "torchvision"]
    """Whose key names the file has."""
    trunk: TrunkSettings
    url: str
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{8,64}|unknown)$")]
    """Digest or its beginning; `unknown` is recorded at the first download and enforced from then on."""


class RandomBackbone(Settings):
    """Weights as they are drawn: what a start is worth that knows nothing."""

    kind: Literal["random"]
    trunk: TrunkSettings
    seed: int

    @model_validator(mode="after")
    def _measures_nothing(self) -> "RandomBackbone":
        if self.trunk.standardise:
            raise ValueError("trunk.standardise: found true, but a random backbone has seen no image")
        return self


Backbone = Annotated[TrainedBackbone | FetchedBackbone | RandomBackbone, Field(discriminator="kind")]


class BackboneRun(Settings):
    """Everything that decides one file of `data/<scale>/backbones/`."""

    stage: Literal["backbone"]
    recipe: int
    backbone: Backbone
    train: str | None = None
    """Index of the training images; trained backbones only."""
    test: str | None = None
