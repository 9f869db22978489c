"""Settings of what steps take. No torch here."""

from typing import Literal

from sdetr.training.settings import PretrainRun


class CostRun(PretrainRun):
    """A few steps of a pretraining, to see what they take."""

    stage: Literal["cost"]
    warm_steps: int
    steps: int
