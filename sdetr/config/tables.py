"""A table at a scale: which of its cells are made, and by which runs."""

from collections.abc import Iterable
from typing import Any

import sdetr.report.settings as report
from sdetr.config.base import SettingsError
from sdetr.config.blank import AT_THE_END, COST, OF_A_CLASS, OF_ALL, QUALITY, refuse_blank
from sdetr.config.cells import Cells
from sdetr.config.check import check
from sdetr.config.costing import cost
from sdetr.config.experiment import Composer
from sdetr.config.finetuning import evaluate, finetune, protocol_of, stands, stands_for
from sdetr.config.job import Job
from sdetr.config.measuring import measure, measure_proposer
from sdetr.config.records import made_from
from sdetr.config.scale import SelectionSettings
from sdetr.config.stages import Stages
from sdetr.config.start import Start
from sdetr.data.subsets.settings import SEED, of_draw
from sdetr.report.settings import CellName, CellRun, TableRun, TableSettings

READ: tuple[str, ...] = ("record", "curve", "cost")
"""Of a run folder, by slot, beside its numbers."""


class PlannedTable:
    """One table at one scale; raises SettingsError for a part, a reference, or an epoch that is not there."""

    def __init__(
        self,
        stages: Stages,
        composer: Composer,
        name: str,
        part: SelectionSettings,
        asked: Iterable[tuple[str, str]] = (),
    ):
        self.stages, self.name = stages, name
        self.scale, self.compares = composer.scale_name, composer.scale.compares
        self.root = f"data/{self.scale}/"
        self.stands: dict[str, str] = {}
        self.results: list[Job] = []
        self.drawn: dict[str, set[bool]] = {}
        """Column → whether its runs' training data are drawn anew for each seed."""
        self.settings: TableSettings = check(TableSettings, composer.params.resolve("tables", name))
        limit = composer.scale.tables.get(name, SelectionSettings())
        self.seeds = part.seeds or limit.seeds or composer.scale.seeds
        self.cells = Cells(composer.params, self.scale, name, self.settings, (part, limit), asked)

    def add(self) -> Job:
        """The table, after all that it rests on. Of equal cells the first has the runs, others name it."""
        cells: dict[str, dict[str, tuple[CellRun, ...]]] = {}
        same: dict[str, dict[str, CellName]] = {}
        inputs: dict[str, str] = {}
        first: dict[tuple[tuple[str, ...], int | None], CellName] = {}
        for row in self.cells.rows:
            for column in self.cells.made(row):
                here, runs = CellName(row=row, column=column), self.runs(row, column)
                paths = tuple(run.path for run in runs)
                there = first.setdefault((paths, self.settings.rows[row].epoch), here)
                if there != here:
                    same.setdefault(row, {})[column] = there
                    continue
                cells.setdefault(row, {})[column] = tuple(CellRun(run=self.root + run.path) for run in runs)
                for n, run in enumerate(runs):
                    inputs |= self._files(run, f"{row}.{column}.{n}")
        return self._job(cells, same, inputs)

    def runs(self, row: str, column: str) -> list[Job]:
        """Of a cell, one per seed, after all that they rest on."""
        settings, said = self.settings.columns[column], self.settings.rows[row]
        name, model = settings.protocol, said.model or settings.model
        task, starts = self.stages.compose.task(name), self._starts(row)
        start = starts[0] if starts else None
        if task in ("proposals", "bench"):
            self._refuse_starts_by_seed(row, name)
            make = self._measured if task == "proposals" else self._costed
            return make(row, name, model, start)
        if start is None:
            raise SettingsError(
                f"table {self.name}: row {row}: a proposer, but protocol {name} trains; give a start"
            )
        protocol = protocol_of(self.stages, name, model, start)
        self._refuse_unmeasured(row, name, protocol.evaluated_epochs(protocol.evaluate_every))
        self.drawn.setdefault(column, set()).add(SEED in protocol.dataset)
        layout = self.stages.compose.whole(protocol.test).layout
        why = dict.fromkeys(COST, f"{name} fine-tunes")
        if protocol.task == "one_shot":
            why |= dict.fromkeys(OF_ALL, f"{name} asks for one class at a time")
        else:
            why[OF_A_CLASS] = f"{name} is of task {protocol.task}"
        if layout != "voc":
            why["-11"] = f"{name} tests on {protocol.test}, whose layout is {layout}"
        if protocol.task != "one_shot":
            why |= {"-error": f"{name} does not"} if not protocol.matched else {}
            why |= {"-novel": f"{name} does not"} if not protocol.novel else {}
        if protocol.masks is None:
            why |= dict.fromkeys((*QUALITY, "-mask"), f"{name} is of task {protocol.task}")
        if said.epoch is not None:
            why = dict.fromkeys(AT_THE_END, "it reads a curve, and they are counted at the end") | why
            why |= {"": "its curve has panoptic quality alone"} if protocol.masks else {}
        refuse_blank(self.name, row, self.settings.metrics, why)
        for one in starts:
            self.stands |= stands(self.stages, name, model, one)
        return [
            finetune(self.stages, name, model, start, seed)
            for seed, start in zip(self.seeds, starts, strict=True)
        ]

    def _starts(self, row: str) -> list[Start]:
        """Of each seed; none where a row is a proposer."""
        said = self.settings.rows[row].start
        return [Start.parse(of_draw(said, seed)) for seed in self.seeds] if said else []

    def _refuse_starts_by_seed(self, row: str, protocol: str) -> None:
        if SEED in (said := self.settings.rows[row].start or ""):
            raise SettingsError(
                f"table {self.name}: row {row}: start {said}: {SEED} is for what is fine-tuned, and "
                f"{protocol} fine-tunes nothing; give it a row without, with `columns:` of its own"
            )

    def _measured(self, row: str, protocol: str, model: str, start: Start | None) -> list[Job]:
        self._refuse_unmeasured(row, protocol, [])
        why = dict.fromkeys((*AT_THE_END, *QUALITY), f"{protocol} ignores classes")
        why |= dict.fromkeys((*COST, OF_A_CLASS), f"{protocol} trains nothing")
        refuse_blank(self.name, row, self.settings.metrics, why)
        dataset = self.stages.compose.measuring(protocol).dataset
        self.stands |= stands_for(self.stages, [dataset], model, start)
        if start is None:
            return [measure_proposer(self.stages, protocol, str(self.settings.rows[row].proposer))]
        return measure(self.stages, protocol, model, start, self.seeds)

    def _costed(self, row: str, protocol: str, model: str, start: Start | None) -> list[Job]:
        self._refuse_unmeasured(row, protocol, [])
        words = f"{protocol} finds nothing, it measures what steps take"
        why = dict.fromkeys((*AT_THE_END, *QUALITY, "", OF_A_CLASS), words)
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
            "rows": {r: self.settings.rows[r] for r in self.cells.rows},
            "columns": {c: self.settings.columns[c] for c in self.cells.columns},
        }
        # What is empty is not said, as everywhere in settings files.
        paired = tuple(column for column in self.cells.columns if self.drawn.get(column) == {True})
        lists: dict[str, Any] = {
            "stands": self.stands,
            "same_as": same,
            "on_request": self.cells.on_request(),
        }
        lists |= {"paired": paired} if len(self.seeds) > 1 else {}
        some: dict[str, Any] = {name: said for name, said in lists.items() if said}
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
