"""Settings of the evaluation stage. No torch here."""

from typing import Literal

from sdetr.config.base import Settings

RECIPE = 1
"""Raise it when the same predictions give other numbers."""


class EvaluateRun(Settings):
    """Everything besides the predictions that decides `metrics.json`."""

    stage: Literal["evaluate"]
    recipe: int
    test: str
    """Index of the test set, from the root."""
