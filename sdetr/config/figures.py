"""A figure at a scale: which lines it has, and which runs are behind them."""

from typing import Any

import sdetr.report.settings as report
from sdetr.config.base import SettingsError
from sdetr.config.check import check
from sdetr.config.experiment import Composer
from sdetr.config.finetuning import evaluate, stands_for
from sdetr.config.job import Job
from sdetr.config.layers import nearest
from sdetr.config.looking import looks_of
from sdetr.config.pretraining import pretrain
from sdetr.config.records import made_from
from sdetr.config.scale import SelectionSettings
from sdetr.config.stages import Stages
from sdetr.config.start import Stage, Start
from sdetr.config.tables import PlannedTable
from sdetr.report.figure_settings import (
    CellsPanel,
    FigureRun,
    FigureSettings,
    LabelsPanel,
    LineRun,
    Lines,
    LooksPanel,
    LooksPanelRun,
    LossesPanel,
    PanelRun,
    Pictures,
    ProposalsPanel,
    RowsPanel,
)
from sdetr.report.settings import CellRun

OUTPUTS = ("png", "svg", "csv", "json")
READ: tuple[str, ...] = ("record", "curve", "looks")
"""Of a run folder, by slot."""
LOSS = "loss"


class PlannedFigure:
    """One figure at one scale; it has the cells of its tables that the scale makes, and no others."""

    def __init__(self, stages: Stages, composer: Composer, name: str):
        self.stages, self.composer, self.name = stages, composer, name
        self.root = f"data/{composer.scale_name}/"
        self.settings: FigureSettings = check(FigureSettings, composer.params.resolve("figures", name))
        self.inputs: dict[str, str] = {}
        self.results: list[Job] = []
        self.stands: dict[str, str] = {}

    def add(self) -> Job:
        """The figure, after all that it rests on. Raises SettingsError where nothing is left to be drawn."""
        made = {name: self._panel(name, panel) for name, panel in self.settings.panels.items()}
        panels = {name: panel for name, panel in made.items() if panel}
        if not panels:
            raise SettingsError(
                f"figure {self.name}: scale {self.composer.scale_name} makes none of its cells; let the "
                "tables that it draws have some of them there"
            )
        stands: dict[str, Any] = {"stands": self.stands} if self.stands else {}
        records = made_from(self.stages.plan, self.results)
        self.inputs |= {record: record for record in records if record not in self.inputs.values()}
        run = FigureRun(
            stage="figure",
            recipe=report.RECIPES["figure"],
            scale=self.composer.scale_name,
            compares=self.composer.scale.compares,
            id=self.name,
            figure=self.settings,
            panels=panels,
            records=records,
            **stands,
        )
        stem = f"reports/{self.composer.scale_name}/figures/{self.name}"
        outputs = {kind: f"{stem}.{kind}" for kind in OUTPUTS}
        return self.stages.add("figure", f"figures/{self.name}", run, self.inputs, outputs)

    def _panel(self, name: str, panel: Lines | Pictures) -> PanelRun | LooksPanelRun | None:
        """None where the scale makes nothing of it."""
        if isinstance(panel, LossesPanel):
            return self._losses(name, panel)
        if isinstance(panel, Pictures):
            return self._picture(name, panel)
        known = self.composer.params.names("tables")
        if panel.table not in known:
            raise SettingsError(f"figure {self.name}: panel {name}: table {nearest(panel.table, known)}")
        table = PlannedTable(self.stages, self.composer, panel.table, SelectionSettings())
        lines = (
            self._of_rows(name, panel, table)
            if isinstance(panel, RowsPanel)
            else self._of_cells(name, panel, table)
        )
        self.stands |= table.stands
        return PanelRun(label=panel.label, metric=panel.metric, lines=lines) if lines else None

    def _of_cells(self, name: str, panel: CellsPanel, table: PlannedTable) -> dict[str, LineRun]:
        """A line for each row that a curve can be drawn of."""
        table.cells.refuse_unknown_parts(panel.rows, panel.columns)
        rows = table.settings.rows
        here = [row for row in table.cells.rows if row in (panel.rows or rows) and rows[row].epoch is None]
        places = panel.x or (0.0,) * len(panel.columns)
        points = {row: [(row, c, x) for c, x in zip(panel.columns, places, strict=True)] for row in here}
        found = {
            row: self._line(name, panel, rows[row].label, table, points[row], bool(panel.x)) for row in here
        }
        return {row: line for row, line in found.items() if line}

    def _of_rows(self, name: str, panel: RowsPanel, table: PlannedTable) -> dict[str, LineRun]:
        found = {}
        for key, said in panel.lines.items():
            table.cells.refuse_unknown_parts(said.rows, (panel.column,))
            points = [(row, panel.column, x) for row, x in zip(said.rows, said.x, strict=True)]
            found[key] = self._line(name, panel, said.label, table, points, True)
        return {key: line for key, line in found.items() if line}

    def _line(
        self,
        name: str,
        panel: CellsPanel | RowsPanel,
        label: str,
        table: PlannedTable,
        points: list[tuple[str, str, float]],
        placed: bool,
    ) -> LineRun | None:
        """Those of its points (row, column, place) that the scale makes; None if there is none."""
        cells = table.cells
        made = [(r, c, x) for r, c, x in points if r in cells.rows and c in cells.made(r)]
        if not made:
            return None
        runs = [table.runs(row, column) for row, column, _ in made]
        for (row, column, _), of_seeds in zip(made, runs, strict=True):
            for n, run in enumerate(of_seeds):
                self._read(run, f"{name}.{row}.{column}.{n}")
        published = table.settings.paper
        paper = tuple(published.get(row, {}).get(column, {}).get(panel.metric) for row, column, _ in made)
        some: dict[str, Any] = {"x": tuple(x for *_, x in made)} if placed else {}
        some |= {"paper": paper} if any(number is not None for number in paper) else {}
        shown = tuple(tuple(CellRun(run=self.root + run.path) for run in of_seeds) for of_seeds in runs)
        return LineRun(label=label, points=shown, **some)

    def _losses(self, name: str, panel: LossesPanel) -> PanelRun:
        lines = {}
        for row, said in panel.pretexts.items():
            run = pretrain(self.stages, panel.protocol, said.pretext, panel.model, 0)
            self._read(run, f"{name}.{row}")
            lines[row] = LineRun(label=said.label, points=((CellRun(run=self.root + run.path),),))
            start = Start(None, said.pretext, Stage(panel.protocol))
            self.stands |= stands_for(self.stages, [], panel.model, start)
        return PanelRun(label=panel.label, metric=LOSS, lines=lines)

    def _picture(self, name: str, panel: Pictures) -> LooksPanelRun | None:
        labels: dict[str, Any] = {}
        looked_at: Lines | Pictures = panel
        if isinstance(panel, LabelsPanel):
            name, labels = panel.labels_of, {"labels": True}
            looked_at = self.settings.panels[name]
        assert isinstance(looked_at, LooksPanel | ProposalsPanel)
        run = looks_of(self.stages, self.composer, self.name, looked_at, self.stands)
        if run is None:
            return None
        self._read(run, name)
        return LooksPanelRun(label=panel.label, run=self.root + run.path, **labels)

    def _read(self, run: Job, slot: str) -> None:
        """What is drawn of a run; one that is read twice has the slot of the first time."""
        files = {slot: run.outputs[slot] for slot in READ if slot in run.outputs}
        if run.stage == "finetune":
            run = evaluate(self.stages, run)
            files["metrics"] = run.outputs["metrics"]
        self.results.append(run)
        for kind, file in files.items():
            if file not in self.inputs.values():
                self.inputs[f"{slot}.{kind}"] = file
