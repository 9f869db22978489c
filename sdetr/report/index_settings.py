"""Settings of a scale's report."""

from typing import Literal

from sdetr.config.base import Name, Settings, Strings


class IndexRun(Settings):
    """Everything that decides the page on which all tables and figures of a scale stand."""

    stage: Literal["index"]
    recipe: int
    scale: Name
    compares: bool
    tables: Strings = ()
    figures: Strings = ()
