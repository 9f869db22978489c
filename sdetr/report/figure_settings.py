"""Settings of figures: cells of tables, drawn, and losses of pretrainings."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdetr.config.base import Name, Settings, Strings
from sdetr.report.again import Again
from sdetr.report.metric_names import Metric
from sdetr.report.settings import CellRun, MadeFrom

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


class LooksPanel(Settings):
    """One of a figure's drawings: what a detector shows in some images, as the protocol says."""

    label: str
    protocol: Name
    model: Name
    start: str
    """As a table's row has it; of each pretraining and fine-tuning one seed is shown."""
    scales: Strings = ()
    """Where it is drawn, with the scales that extend these; empty: everywhere."""


class ProposalsPanel(Settings):
    """The same of a proposer."""

    label: str
    protocol: Name
    proposer: Name


class LabelsPanel(Settings):
    """What is labelled in the images of another panel."""

    label: str
    labels_of: Name


Pictures = LooksPanel | ProposalsPanel | LabelsPanel
Lines = CellsPanel | RowsPanel | LossesPanel


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
    panels: dict[Name, Lines | Pictures]
    scales: Strings = ()
    """As of a table."""

    @model_validator(mode="after")
    def _lines_or_pictures(self) -> "FigureSettings":
        kinds = {isinstance(panel, Pictures) for panel in self.panels.values()}
        if len(kinds) > 1:
            raise ValueError("panels: some are lines and some are pictures; make two figures of them")
        for name, panel in self.panels.items():
            if isinstance(panel, LabelsPanel) and not isinstance(
                self.panels.get(panel.labels_of), LooksPanel
            ):
                known = ", ".join(n for n, other in self.panels.items() if isinstance(other, LooksPanel))
                raise ValueError(
                    f"panels.{name}.labels_of: {panel.labels_of} shows no detector; those that do: {known}"
                )
        return self


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


class LooksPanelRun(Settings):
    """A panel of pictures."""

    label: str
    run: str
    """Folder of what is shown, from the root."""
    labels: bool = False
    """What is labelled, instead of what was found."""


class FigureRun(Settings):
    """Everything that decides one figure; written by the plan."""

    stage: Literal["figure"]
    recipe: int
    scale: Name
    compares: bool
    """Whether published numbers may stand beside the scale's."""
    id: Name
    figure: FigureSettings
    panels: dict[Name, PanelRun | LooksPanelRun]
    records: dict[str, MadeFrom]
    """Everything that the lines rest on, record by record, what comes first first."""
    stands: dict[Name, Name] = Field(default_factory=dict)
    """The papers' data sets and backbones → what stands for them at this scale."""

    @property
    def is_pictures(self) -> bool:
        return all(isinstance(panel, LooksPanelRun) for panel in self.panels.values())

    @property
    def again(self) -> Again:
        """How to make what it rests on again."""
        return Again(self.scale, ())
