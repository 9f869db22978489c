"""Settings of the one question that a table may be asked: whether a start helps."""

from typing import Annotated, Literal

from pydantic import Field

from sdetr.config.base import Name, Settings, Strings


class QuestionSettings(Settings):
    """Whether a row is better than the best of others, column by column."""

    row: Name
    against: Annotated[Strings, Field(min_length=1)]
    metric: Literal["AP", "AP50"]
    figure: Name | None = None
    """A figure that shows it."""
