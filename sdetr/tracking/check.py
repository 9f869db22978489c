"""Whether MLflow tells of every declared output of the plan what is on disk."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdetr.config.plan import Plan
from sdetr.tracking.alone import alone
from sdetr.tracking.attachments import listed
from sdetr.tracking.curve import last_points
from sdetr.tracking.door import Door
from sdetr.tracking.experiments import experiments_of
from sdetr.tracking.memory import Memory
from sdetr.tracking.observe import Observer
from sdetr.tracking.portrait import Portrait
from sdetr.tracking.store import Store


@dataclass(frozen=True)
class Checked:
    """One declared output; `fault` is empty if it is in MLflow as it is on disk."""

    file: str
    sha256: str
    run_id: str
    fault: str

    def __str__(self) -> str:
        return f"{self.sha256[:12]:12}  {self.run_id or '-':32}  {self.file}" + (
            f"  MISSING: {self.fault}" if self.fault else ""
        )


def check(plan: Plan, root: Path) -> Iterator[Checked]:
    """Every declared output in the plan's order, asked of MLflow itself. Raises TrackingError.

    Where there is no database none is made: everything is missing.
    """
    store, observer = Store.of(root), Observer(plan, root)
    with alone(root), tempfile.TemporaryDirectory() as folder:
        door = None if store.missing else Door(store)
        if door:
            experiments_of(door, plan.scale)
        for job in observer.jobs():
            portrait, memory = observer.portrait(job), Memory.load(observer.memory(job), store.fingerprint)
            run = _run(door, memory) if door and portrait else None
            there = listed(door, memory.run_id, Path(folder)) if door and run else {}
            for slot, file in observer.outputs(job).items():
                here = portrait.outputs.get(slot) if portrait else None
                if portrait is None or here is None:
                    fault = f"not made yet: make {file}"
                elif run is None:
                    fault = "MLflow has no run of it: `sdetr sync`"
                elif there.get(slot, {}).get("sha256") != here.sha256:
                    fault = "its run in MLflow tells of another content: `sdetr sync`"
                else:
                    fault = _differing(portrait, run) if slot == "curve" else ""
                yield Checked(file, here.sha256 if here else "", memory.run_id if run else "", fault)


def _run(door: Door, memory: Memory) -> Any:
    """None for a run that is not there any more, or of which not everything has been sent."""
    if "listing" not in memory.sent:
        return None
    filter_string = f"attributes.run_id = '{memory.run_id}'"
    return next(iter(door("search_runs", [memory.experiment_id], filter_string, max_results=1)), None)


def _differing(portrait: Portrait, run: Any) -> str:
    for point in last_points(portrait.curve) if portrait.curve else []:
        if run.data.metrics.get(point.key) != point.value:
            return f"its run in MLflow ends with another {point.key}: `sdetr sync`"
    return ""
