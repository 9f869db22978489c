"""What rules ask the plan: the files and resources of a job, by its path."""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError

from sdetr.cli.tools import missing_tools
from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.job import Job
from sdetr.config.plan import Plan
from workflow.lib.changed import forget_changed
from workflow.lib.costs import HOURS, refuse_redoing
from workflow.lib.stale import forget_stale

TRAININGS = ("backbone", "pretrain", "finetune")


class Lookup:
    """One plan, seen from rules: every method gives a function of wildcards, as Snakemake wants them."""

    def __init__(
        self,
        plan: Plan,
        tables: str = "first",
        cells: tuple[str, ...] = (),
        config: dict[str, Any] | None = None,
    ):
        self.plan, self.scale, self.shards, self.config = plan, plan.scale, plan.shards, config or {}
        self.tables_asked, self.cells_asked = tables, " ".join(f"--cell {cell}" for cell in cells)
        self.synced = f"data/{plan.scale}/state/synced"
        """Says that the tables of today were mirrored into MLflow, or that it was tried."""

    @classmethod
    def of(cls, config: dict[str, Any], write: bool) -> "Lookup":
        """The plan of `--config scale=… tables=… cells=…` (demo, first, none). Only the main process writes.

        A mistake in params/ ends everything here, before any job, with its lines alone: no traceback.
        """
        scale, tables = str(config.get("scale", "demo")), config.get("tables", "first")
        asked = config.get("cells", "")
        cells = tuple(asked if isinstance(asked, list) else filter(None, str(asked).split(",")))
        try:
            if config and "scale" not in config:
                raise SettingsError(
                    "--config replaces what a profile says, so it has to name the scale too: "
                    f"--config scale=… {' '.join(f'{name}={value}' for name, value in config.items())}"
                )
            plan = compile_plan(Path("params"), scale, str(tables), cells)
            lookup = cls(plan, str(tables), cells, config)
            if write:
                plan.write()
                forget_stale(plan)
                forget_changed(plan)
                lookup.leave_to_a_later_sync()
        except SettingsError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(2)
        return lookup

    def refuse(self, files: Iterable[str]) -> None:
        """Raises WorkflowError before the first job if the jobs that make these files should not begin.

        Because a tool is missing, or because what they make again took longer than anybody meant;
        `redo=yes` allows the latter.
        """
        makers = [self.plan.maker(str(file)) for file in files if self.plan.makes(str(file))]
        jobs = list({job.path: job for job in makers}.values())
        if missing := missing_tools(jobs):
            raise WorkflowError("\n".join(missing))
        if str(self.config.get("redo", "no")).lower() not in ("yes", "true"):
            refuse_redoing(self.plan, jobs, float(self.config.get("redo_hours", HOURS)))

    def leave_to_a_later_sync(self) -> None:
        """Tables that came from elsewhere (DVC, a copy of a tree) are no reason to start a job by themselves.

        Then the mark is set here, as if the sync had followed them at once; the next new table is mirrored.
        """
        mark, tables = Path(self.synced), [Path(file) for file in self.outputs("table")]
        if not mark.exists() and tables and all(table.exists() for table in tables):
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()

    def outputs(self, stage: str) -> list[str]:
        """All files that the jobs of a stage write."""
        return [file for job in self.plan.of(stage) for file in job.outputs.values()]

    @property
    def tables(self) -> list[str]:
        """Their names, and those of figures; each is a target."""
        jobs = [*self.plan.of("table"), *self.plan.of("figure")]
        return list(dict.fromkeys(job.path.split("/")[1] for job in jobs))

    def of_table(self, name: str) -> list[str]:
        """A table, a figure, or both, and the pages of the runs that they rest on."""
        paths = (f"tables/{name}", f"figures/{name}")
        named = [self.plan.jobs[path] for path in paths if path in self.plan.jobs]
        runs = {job.path for job in self.plan.before(named)}
        pages = [job for job in self.plan.of("page") if job.path.removeprefix("runs/") in runs]
        return [file for job in [*named, *pages] for file in job.outputs.values()]

    def files(self, *stages: str) -> list[str]:
        """The same without folders, which have no checksum: a restored one would look new."""
        return [file for stage in stages for file in self.outputs(stage) if Path(file).suffix]

    def datasets(self, drawn: bool) -> str:
        """Pattern of the data sets whose images are made here, or of those whose images somebody brought."""
        return _any_of([job for job in self.plan.of("data") if ("images" in job.outputs) == drawn])

    def parts(self) -> str:
        """Pattern of the data sets that are part of another one."""
        return _any_of(self.plan.of("subset"))

    def masked(self) -> str:
        """Pattern of the runs that learn masks: they write segments, too."""
        paths = [job.path for job in self.plan.of("finetune") if "segments" in job.outputs]
        return "|".join(map(re.escape, paths)) or "(?!)"

    def evaluated(self, stage: str) -> str:
        """Pattern of the run folders below `evaluate/` of one stage; their protocols say which it is."""
        protocols = dict.fromkeys(job.path.split("/")[1] for job in self.plan.of(stage))
        return f"evaluate/(?:{'|'.join(protocols) or '(?!)'})/[a-z0-9_.+~/-]+/seed[0-9]+"

    def input(self, pattern: str, slot: str = "") -> Callable[[Any], Any]:
        """Inputs of the job whose path is the filled `pattern`: one slot, or all but the settings."""

        def files(wildcards: Any) -> Any:
            inputs = self._job(pattern, wildcards).inputs
            return inputs[slot] if slot else [file for name, file in inputs.items() if name != "settings"]

        return files

    def resource(self, pattern: str, name: str) -> Callable[..., int]:
        """What a job asks for; memory and time more with every attempt.

        Not the time of what trains: where that is over, it is continued, and more than a partition allows is
        refused.
        """

        def asked(wildcards: Any) -> int:
            return getattr(self._job(pattern, wildcards).resources, name)

        def asked_again(wildcards: Any, attempt: int) -> int:
            fixed = name == "minutes" and self._job(pattern, wildcards).stage in TRAININGS
            return asked(wildcards) * (1 if fixed else attempt)

        return asked_again if name in ("mem_mb", "minutes") else asked

    def on_nodes(self, pattern: str, value: int | str = 0) -> Callable[[Any], int | str | None]:
        """What SLURM is told of a job on several nodes alone: a value, else how many nodes there are."""

        def told(wildcards: Any) -> int | str | None:
            nodes = self._job(pattern, wildcards).resources.nodes
            return (value or nodes) if nodes > 1 else None

        return told

    def gres(self, pattern: str) -> Callable[[Any], str | None]:
        """GPUs of each node, where there are several: of their number alone SLURM may make 3 and 1."""

        def told(wildcards: Any) -> str | None:
            asked = self._job(pattern, wildcards).resources
            return f"gpu:{asked.gpu // asked.nodes}" if asked.nodes > 1 else None

        return told

    def _job(self, pattern: str, wildcards: Any) -> Job:
        path, scale = pattern.format(**dict(wildcards.items())), self.plan.scale
        if wildcards.get("scale", scale) != scale:
            raise ValueError(
                f"{path} of scale {wildcards.scale} was asked for, but the plan is of scale {scale}"
            )
        if path not in self.plan.jobs:
            raise ValueError(
                f"{path} is not in the plan of scale {scale}; `sdetr plan --scale {scale}` lists it"
            )
        return self.plan.jobs[path]


def _any_of(datasets: list[Job]) -> str:
    """Pattern of their names; without any, of none."""
    return "|".join(job.path.removeprefix("raw/") for job in datasets) or "(?!)"
