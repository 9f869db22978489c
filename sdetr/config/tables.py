"""A table at a scale: which of its cells are made, and by which runs."""

from typing import Any

import sdetr.report.settings as report
from sdetr.config.base import SettingsError
from sdetr.config.blank import COST, refuse_blank
from sdetr.config.check import check
from sdetr.config.costing import cost
from sdetr.config.experiment import Composer
from sdetr.config.finetuning import evaluate, finetune, protocol_of, stands, stands_for
from sdetr.config.job import Job
from sdetr.config.layers import nearest
from sdetr.config.measuring import measure, measure_proposer
from sdetr.config.records import made_from
from sdetr.config.scale import SelectionSettings
from sdetr.config.stages import Stages
from sdetr.config.start import Start
from sdetr.report.settings import (
    CellName,
    CellRun,
    ColumnSettings,
    ReferenceSettings,
    RowSettings,
    TableRun,
    TableSettings,
)

READ: tuple[str, ...] = ("record", "curve", "cost")
"""Of a run folder, by slot, beside its numbers."""


class PlannedTable:
    """One table at one scale; raises SettingsError for a part, a reference, or an epoch that is not there."""

    def __init__(self, stages: Stages, composer: Composer, name: str, part: SelectionSettings):
        self.stages, self.name = stages, name
        self.scale, self.compares = composer.scale_name, composer.scale.compares
        self.root = f"data/{self.scale}/"
        self.kin = composer.params.kin("scales", self.scale)
        self.stands: dict[str, str] = {}
        self.results: list[Job] = []
        self.settings: TableSettings = check(TableSettings, composer.params.resolve("tables", name))
        limit = composer.scale.tables.get(name, SelectionSettings())
        self.seeds = part.seeds or limit.seeds or composer.scale.seeds
        self.rows = self._part("row", list(self.settings.rows), part.rows, limit.rows)
        self.columns = self._part("column", list(self.settings.columns), part.columns, limit.columns)
        self._refuse_unknown()
        published: dict[str, dict[str, Any]] = self.settings.paper
        for row in published:
            self._part("row", list(self.settings.rows), (row,))
            self._part("column", list(self.settings.columns), tuple(published[row]))

    def _refuse_unknown(self) -> None:
        references: tuple[ReferenceSettings, ...] = self.settings.references
        own = [self.settings.rows[row].columns for row in self.settings.rows]
        self._part("column", list(self.settings.columns), tuple(one.column for one in references), *own)
        known = self.stages.compose.params.names("scales")
        parts: list[RowSettings | ColumnSettings]
        parts = [*self.settings.rows.values(), *self.settings.columns.values()]
        for scale in (scale for part in parts for scale in part.scales):
            if scale not in known:
                raise SettingsError(f"table {self.name}: scales: {nearest(scale, known)}")

    def add(self) -> Job:
        """The table, after all that it rests on. Of equal cells the first has the runs, others name it."""
        cells: dict[str, dict[str, tuple[CellRun, ...]]] = {}
        same: dict[str, dict[str, CellName]] = {}
        inputs: dict[str, str] = {}
        first: dict[tuple[str, int | None], CellName] = {}
        for row in self.rows:
            for column in self._columns_of(row):
                here, runs = CellName(row=row, column=column), self._runs(row, column)
                there = first.setdefault((runs[0].path, self.settings.rows[row].epoch), here)
                if there != here:
                    same.setdefault(row, {})[column] = there
                    continue
                cells.setdefault(row, {})[column] = tuple(CellRun(run=self.root + run.path) for run in runs)
                for n, run in enumerate(runs):
                    inputs |= self._files(run, f"{row}.{column}.{n}")
        return self._job(cells, same, inputs)

    def _runs(self, row: str, column: str) -> list[Job]:
        settings, said = self.settings.columns[column], self.settings.rows[row]
        name, model = settings.protocol, said.model or settings.model
        start = Start.parse(said.start) if said.start else None
        match self.stages.compose.task(name):
            case "proposals":
                return self._measured(row, name, model, start)
            case "bench":
                return self._costed(row, name, model, start)
        if start is None:
            raise SettingsError(
                f"table {self.name}: row {row}: a proposer, but protocol {name} trains; give a start"
            )
        protocol = protocol_of(self.stages, name, model, start)
        self._refuse_unmeasured(row, name, protocol.evaluated_epochs(protocol.evaluate_every))
        layout = self.stages.compose.whole(protocol.test).layout
        why = dict.fromkeys(COST, f"{name} fine-tunes")
        if layout != "voc":
            why["-11"] = f"{name} tests on {protocol.test}, whose layout is {layout}"
        if not protocol.matched:
            why["-error"] = f"{name} does not"
        if said.epoch is not None:
            why = dict.fromkeys(("-11", "-error"), "it reads a curve, which has COCO's numbers alone") | why
        refuse_blank(self.name, row, self.settings.metrics, why)
        self.stands |= stands(self.stages, name, model, start)
        return [finetune(self.stages, name, model, start, seed) for seed in self.seeds]

    def _measured(self, row: str, protocol: str, model: str, start: Start | None) -> list[Job]:
        self._refuse_unmeasured(row, protocol, [])
        why = dict.fromkeys(("-11", "-error"), f"{protocol} ignores classes")
        why |= dict.fromkeys(COST, f"{protocol} trains nothing")
        refuse_blank(self.name, row, self.settings.metrics, why)
        dataset = self.stages.compose.measuring(protocol).dataset
        self.stands |= stands_for(self.stages, [dataset], model, start)
        if start is None:
            return [measure_proposer(self.stages, protocol, str(self.settings.rows[row].proposer))]
        return measure(self.stages, protocol, model, start, self.seeds)

    def _costed(self, row: str, protocol: str, model: str, start: Start | None) -> list[Job]:
        self._refuse_unmeasured(row, protocol, [])
        why = dict.fromkeys(("-11", "-error", ""), f"{protocol} finds nothing, it measures what steps take")
        refuse_blank(self.name, row, self.settings.metrics, why)
        if start is None:
            raise SettingsError(
                f"table {self.name}: row {row}: a proposer, but {protocol} takes steps of training"
            )
        self.stands |= stands_for(self.stages, [], model, start)
        return cost(self.stages, protocol, model, start, self.seeds)

    def _refuse_unmeasured(self, row: str, protocol: str, measured: list[int]) -> None:
        epoch = self.settings.rows[row].epoch
        if epoch is not None and epoch not in measured:
            known = f"only at {', '.join(map(str, measured))}" if measured else "it trains nothing"
            raise SettingsError(
                f"table {self.name}: row {row}: {protocol} is not evaluated at epoch {epoch}, {known}"
            )

    def _files(self, run: Job, slot: str) -> dict[str, str]:
        files = {name: run.outputs[name] for name in READ if name in run.outputs}
        if run.stage != "cost":  # which says itself what it took
            run = evaluate(self.stages, run)
            files = run.outputs | files
        self.results.append(run)
        return {f"{slot}.{name}": file for name, file in files.items()}

    def _job(self, cells: dict, same: dict, inputs: dict[str, str]) -> Job:  # type: ignore[type-arg]
        said = {
            "rows": {r: self.settings.rows[r] for r in self.rows},
            "columns": {c: self.settings.columns[c] for c in self.columns},
        }
        # What is empty is not said, as everywhere in settings files.
        some: dict[str, Any] = {k: v for k, v in {"stands": self.stands, "same_as": same}.items() if v}
        records = made_from(self.stages.plan, self.results)
        inputs |= {record: record for record in records if record not in inputs.values()}
        run = TableRun(
            stage="table",
            recipe=report.RECIPES["table"],
            scale=self.scale,
            compares=self.compares,
            id=self.name,
            table=self.settings.model_copy(update=said),
            cells=cells,
            records=records,
            **some,
        )
        folder = f"reports/{self.scale}"
        outputs = {kind: f"{folder}/tables/{self.name}.{kind}" for kind in ("md", "csv", "json")}
        outputs |= {"numbers": f"{folder}/numbers/{self.name}", "cost": f"{folder}/costs/{self.name}.md"}
        return self.stages.add("table", f"tables/{self.name}", run, inputs, outputs)

    def _columns_of(self, row: str) -> list[str]:
        own = self.settings.rows[row].columns
        return [column for column in self.columns if not own or column in own]

    def _made_here(self, what: str, name: str) -> bool:
        """A row, or a column, of `scales: [demo]` belongs to demo and to the scales that extend it."""
        parts = self.settings.rows if what == "row" else self.settings.columns
        scales = parts[name].scales
        return not scales or any(name in scales for name in self.kin)

    def _part(self, what: str, known: list[str], *wanted: tuple[str, ...]) -> list[str]:
        """Those of the known that every non-empty list names, in the table's order, if made here."""
        for name in (name for names in wanted for name in names):
            if name not in known:
                raise SettingsError(f"table {self.name}: {what} {nearest(name, known)}")
        here = [name for name in known if self._made_here(what, name)]
        return [n for n in here if all(n in names for names in wanted if names)]
