"""Settings of run pages."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sdetr.config.base import Name, Settings, Strings
from sdetr.report.again import Again


class Difference(Settings):
    """A setting of a run that its paper has otherwise; null where it is unset."""

    field: str
    here: Any
    paper: Any


class Mention(Settings):
    """A cell of a table, by its words."""

    table: Name
    title: str
    row: str
    column: str


class PageRun(Settings):
    """Everything that decides one run page, but for the run folder itself; written by the plan."""

    stage: Literal["page"]
    recipe: int
    scale: Name
    compares: bool
    run: str
    """Its path below `data/<scale>/`."""
    settings: str
    """sha256 of its settings as the plan has them today."""
    measured: str | None = None
    """The same of its evaluation; none for a run that is not evaluated."""
    differences: Annotated[tuple[Difference, ...], Field(strict=False)] = ()
    """To the same run at the papers' scale."""
    tables: Annotated[tuple[Mention, ...], Field(strict=False)] = ()
    followers: Strings = ()
    """Runs that start from its weights."""
    cells: Strings = ()
    """Of a run that only cells rest on which papers leave blank: those that somebody asked for."""

    @property
    def again(self) -> Again:
        return Again(self.scale, self.cells)
