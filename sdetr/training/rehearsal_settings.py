"""Settings of what comes before anything long: a few labelled images, learned by heart. No torch here."""

from typing import Annotated, Literal

from pydantic import Field

from sdetr.config.base import Count, Settings
from sdetr.models.settings import BoxModel, TrunkSettings
from sdetr.proposals.settings import Proposer
from sdetr.training.settings import ProtocolSettings


class RehearsalRun(Settings):
    """Everything that decides whether anything is trained at all."""

    stage: Literal["rehearse"]
    recipe: int
    seed: int
    """Of the weights, which are drawn."""
    images: Count
    enough: Annotated[float, Field(gt=0, le=100)]
    """AP50 to reach, percent."""
    protocol: ProtocolSettings
    model: BoxModel
    trunk: TrunkSettings
    proposer: Proposer
    """What finds whether boxes belong to their images."""
    boxes: bool = True
    """Whether that is asked at all."""
    train: str
    """Index of the images, from the root."""
