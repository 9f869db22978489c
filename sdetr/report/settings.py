"""Settings of tables: which runs make up which cells, and what the paper printed there."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sdetr.config.base import Name, Settings, Strings
from sdetr.report.again import Again
from sdetr.report.metric_names import Metric
from sdetr.report.question_settings import QuestionSettings

RECIPES = {"table": 5, "figure": 2, "page": 3, "index": 2}
"""By stage; raise one when the same results give another file."""


class ColumnSettings(Settings):
    """A detector under a protocol."""

    label: str
    model: Name
    protocol: Name
    scales: Strings = ()
    """Only at these scales and those that extend them; empty: at all."""


class RowSettings(Settings):
    """Where runs start from, or a proposer by itself."""

    label: str
    start: str | None = None
    """A backbone, or `<pretext>~<protocol>`, further stages appended with `+`; `{seed}` in it is that of the
    fine-tuning: `siamese~mine-pretrain.{seed}` is pretrained for each anew."""
    proposer: Name | None = None
    """One of `params/proposers/`, in place of a start; for protocols that train nothing."""
    model: Name | None = None
    """Another detector than the column's."""
    epoch: int | None = None
    """Read the curve at this epoch instead of the end; 0 is the detector before training."""
    scales: Strings = ()
    """Only at these scales and those that extend them; empty: at all."""
    columns: Strings = ()
    """Only in these columns, as in the paper; empty: in all."""

    @model_validator(mode="after")
    def _begins_once(self) -> "RowSettings":
        if (self.start is None) == (self.proposer is None):
            found = "neither a start nor a proposer" if self.start is None else "a start and a proposer"
            raise ValueError(f"start: found {found}, expected one of them")
        return self


class ReferenceSettings(Settings):
    """A row that somebody else published; printed, never run."""

    label: str
    column: Name
    values: dict[Metric, float]
    source: str


class TableSettings(Settings):
    """One file of `params/tables/`."""

    title: str
    caption: str
    source: str
    """Paper and table that `paper` quotes."""
    metrics: Annotated[tuple[Metric, ...], Field(strict=False)]
    columns: dict[Name, ColumnSettings]
    rows: dict[Name, RowSettings]
    paper: dict[Name, dict[Name, dict[Metric, float]]] = Field(default_factory=dict)
    """row → column → metric → published number, in the metric's unit."""
    superseded: dict[Name, dict[Name, dict[Metric, float]]] = Field(default_factory=dict)
    """The same of numbers that were published first, which those of `paper` correct."""
    superseded_source: str | None = None
    """Where both stand."""
    blank: dict[Name, Strings] = Field(default_factory=dict)
    """row → columns that the paper leaves empty: run only on request."""
    references: Annotated[tuple[ReferenceSettings, ...], Field(strict=False)] = ()
    question: QuestionSettings | None = None
    """What the page answers before it shows any number."""
    scales: Strings = ()
    """Where all tables are made, only at these scales and those that extend them; empty: at all. By name it
    is made at any."""

    @model_validator(mode="after")
    def _asks_for_rows(self) -> "TableSettings":
        if self.question and (unknown := {self.question.row, *self.question.against} - self.rows.keys()):
            raise ValueError(f"question: no row {min(unknown)}; there is {', '.join(self.rows)}")
        if self.question and self.question.metric not in self.metrics:
            raise ValueError(f"question: metric {self.question.metric} is none of the table's")
        return self

    @model_validator(mode="after")
    def _corrected(self) -> "TableSettings":
        if bool(self.superseded) != (self.superseded_source is not None):
            raise ValueError("superseded, superseded_source: found one of them, expected both or neither")
        for row, columns in self.superseded.items():
            for column, numbers in columns.items():
                if alone := numbers.keys() - self.paper.get(row, {}).get(column, {}).keys():
                    where = f"{row}.{column}.{min(alone)}"
                    raise ValueError(f"superseded: {where} has no number in paper that corrects it")
        return self


class CellName(Settings):
    """Where a cell stands."""

    row: Name
    column: Name


class CellRun(Settings):
    """One run of a cell."""

    run: str
    """Its folder, from the root."""


class MadeFrom(Settings):
    """What a record has to say, so that its results are believed."""

    settings: str
    """sha256 of its job's settings as the plan has them today."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """Input → record of the job that makes it."""


class TableRun(Settings):
    """Everything that decides one rendered table; written by the plan."""

    stage: Literal["table"]
    recipe: int
    scale: Name
    compares: bool
    """Whether the scale's numbers may stand beside the paper's."""
    id: Name
    table: TableSettings
    cells: dict[Name, dict[Name, Annotated[tuple[CellRun, ...], Field(strict=False)]]]
    """row → column → runs, one per seed; a cell that this scale does not make is absent."""
    records: dict[str, MadeFrom]
    """Everything that the cells rest on, record by record, what comes first first."""
    stands: dict[Name, Name] = Field(default_factory=dict)
    """The papers' data sets and backbones → what stands for them at this scale."""
    same_as: dict[Name, dict[Name, CellName]] = Field(default_factory=dict)
    """row → column → the cell whose runs it equals at this scale."""
    paired: Strings = ()
    """Columns in which each seed has training data of its own, the same in all rows: seeds are pairs."""
    on_request: dict[Name, Strings] = Field(default_factory=dict)
    """row → columns that are blank in the paper, and that nobody asked for."""

    @property
    def again(self) -> Again:
        """How to make what it rests on again: blank cells, that somebody asked for, are asked for again."""
        cells = [(row, column) for row, columns in self.cells.items() for column in columns]
        asked = [f"{self.id}.{row}.{c}" for row, c in cells if c in self.table.blank.get(row, ())]
        return Again(self.scale, tuple(asked))
