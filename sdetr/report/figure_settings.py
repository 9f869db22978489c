"""Settings of figures: cells of tables, drawn, and losses of pretrainings."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdetr.config.base import Name, Settings, Strings
from sdetr.report.again import Again
from sdetr.report.settings import CellRun, MadeFrom, Metric

Runs = Annotated[tuple[CellRun, ...], Field(strict=False)]
Numbers = Annotated[tuple[float, ...], Field(strict=False)]


class CellsPanel(Settings):
    """One of a figure's drawings: a line for each row of a table."""

    label: str
    table: Name
    columns: Annotated[Strings, Field(min_length=1)]
    """One whose runs are drawn over their epochs; or several, each a point of every line."""
    rows: Strings = ()
    """Empty: all."""
    x: Numbers = ()
    """Where the points of several columns stand."""
    metric: Metric = "AP"

    @model_validator(mode="after")
    def _a_place_for_each(self) -> "CellsPanel":
        if len(self.x) != (len(self.columns) if len(self.columns) > 1 else 0):
            raise ValueError(
                f"x: {len(self.x)} places for {len(self.columns)} columns; each point needs one, and a "
                "single column, whose runs are drawn over their epochs, none"
            )
        return self


class RowsLine(Settings):
    """A line whose points are rows."""

    label: str
    rows: Annotated[Strings, Field(min_length=2)]
    x: Numbers
    """Where they stand."""

    @model_validator(mode="after")
    def _a_place_for_each(self) -> "RowsLine":
        if len(self.x) != len(self.rows):
            raise ValueError(f"x: {len(self.x)} places for {len(self.rows)} rows; each point needs one")
        return self


class RowsPanel(Settings):
    """One of a figure's drawings: rows of a table are the points of its lines."""

    label: str
    table: Name
    column: Name
    lines: dict[Name, RowsLine]
    metric: Metric = "AP"


class LossRow(Settings):
    """A pretraining whose loss is a line."""

    label: str
    pretext: Name


class LossesPanel(Settings):
    """The same of pretrainings: what they lost, over their epochs."""

    label: str
    protocol: Name
    model: Name
    pretexts: dict[Name, LossRow]


class FigureSettings(Settings):
    """One file of `params/figures/`."""

    title: str
    caption: str
    source: str
    """Paper and figure that it is made after."""
    x: str = "epoch"
    """What the horizontal axis is called."""
    log: bool = False
    """Whether it is logarithmic."""
    panels: dict[Name, CellsPanel | RowsPanel | LossesPanel]


class LineRun(Settings):
    """One line: what it is called, and its runs, point by point or all of one."""

    label: str
    points: Annotated[tuple[Runs, ...], Field(strict=False)]
    """Of a line over epochs a single one; runs of one point differ in their seed."""
    x: Numbers = ()
    """Where the points stand; empty: epochs are the points."""
    paper: Annotated[tuple[float | None, ...], Field(strict=False)] = ()
    """What was published of each."""


class PanelRun(Settings):
    """A panel as a scale makes it."""

    label: str
    metric: str
    """`loss`: of a pretraining."""
    lines: dict[Name, LineRun]


class FigureRun(Settings):
    """Everything that decides one figure; written by the plan."""

    stage: Literal["figure"]
    recipe: int
    scale: Name
    compares: bool
    """Whether published numbers may stand beside the scale's."""
    id: Name
    figure: FigureSettings
    panels: dict[Name, PanelRun]
    records: dict[str, MadeFrom]
    """Everything that the lines rest on, record by record, what comes first first."""
    stands: dict[Name, Name] = Field(default_factory=dict)
    """The papers' data sets and backbones → what stands for them at this scale."""

    @property
    def again(self) -> Again:
        """How to make what it rests on again."""
        return Again(self.scale, ())
