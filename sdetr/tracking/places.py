"""Where a run stands in MLflow: in which experiment, under which name, in which cells of which tables."""

import colorsys
from collections import defaultdict
from dataclasses import dataclass

from sdetr.config.job import Job
from sdetr.config.plan import Plan

GOLDEN = 0.618034
"""Of a circle: multiples of it never come close to each other."""
DRAWN = ("table", "figure", "index")
"""Stages that show runs."""
GUESTS = ("evaluate", "page")
"""Stages that tell of a run and have none of their own."""


@dataclass(frozen=True)
class Cell:
    """One of the cells that read a run."""

    table: str
    row: str
    column: str


class Places:
    """A table's fine-tunings lie in one experiment, so that ticking them compares its rows. Pretrainings, and
    what comes before them, lie in two others: many tables share them, and their curves are of another kind.
    """

    def __init__(self, plan: Plan) -> None:
        self.scale = plan.scale
        self._order = [job.path for stage in ("finetune", "pretrain") for job in plan.of(stage)]
        self._cells: dict[str, list[Cell]] = defaultdict(list)
        for table in plan.of("table"):
            rows, cells = table.settings["table"]["rows"], table.settings["cells"]
            for row in sorted(cells, key=lambda row: rows[row].get("epoch") is not None):
                for column, runs in cells[row].items():
                    for run in runs:
                        path = run["run"].removeprefix(f"data/{plan.scale}/")
                        self._cells[path].append(Cell(table.settings["id"], row, column))

    def cells(self, job: Job) -> list[Cell]:
        """Rows that read the end of a run before those that read an epoch of it."""
        return self._cells.get(job.path, [])

    def experiment(self, job: Job) -> str:
        """Of a run that several tables read, the first of them; its tags name all."""
        if job.stage in DRAWN:
            return f"{self.scale}/tables"
        if cells := self.cells(job):
            return f"{self.scale}/{cells[0].table}"
        return f"{self.scale}/{job.stage if job.stage in ('pretrain', 'finetune') else 'inputs'}"

    def colour(self, job: Job) -> str:
        """Of its curves, `#rrggbb`, far from those before it: MLflow's own repeat within a table."""
        place = self._order.index(job.path) if job.path in self._order else 0
        hue, depth = place * GOLDEN % 1, place // 8 % 3
        red, green, blue = colorsys.hls_to_rgb(hue, 0.45 - 0.1 * depth, 0.75)
        return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"

    def name(self, job: Job) -> str:
        """For lists and legends; unique within an experiment."""
        kind, *words = job.path.split("/")
        if words[-1].startswith("seed"):
            words[-1] = words[-1].replace("seed", "s")
        if cells := self.cells(job):
            return "/".join([cells[0].column, cells[0].row, words[-1]])
        if kind == "pretrain":
            protocol, pretext, model, seed = words
            return "/".join([pretext, model, protocol, seed])
        return "/".join([job.stage, *words])


def host_of(job: Job) -> str:
    """Path of the job whose run tells of this one: its own, unless its stage is a guest."""
    if job.stage not in GUESTS:
        return job.path
    return job.path.removesuffix("/metrics").removeprefix("runs/")


def words_of(job: Job) -> dict[str, str]:
    """What the words of a path mean."""
    kind, *words = job.path.split("/")
    keys = {
        "finetune": ("protocol", "model", "start"),
        "evaluate": ("protocol", "model", "start"),
        "bench": ("protocol", "model", "start"),
        "pretrain": ("protocol", "pretext", "model"),
        "views": ("protocol", "views"),
        "features": ("protocol", "views"),
        "proposals": ("dataset", "proposer"),
        "backbones": ("backbone",),
        "raw": ("dataset",),
        "tables": ("table",),
        "figures": ("figure",),
    }
    named = dict(zip(keys.get(kind, ()), words, strict=False))
    seed = words[-1].removeprefix("seed")
    return named | ({"seed": seed} if seed.isdigit() else {})
