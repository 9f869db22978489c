"""What one run measured, at its end or at an epoch of its curve."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdetr.evaluation.resamples import Resamples, read_resamples
from sdetr.evaluation.settings import RECIPE, RESAMPLES
from sdetr.files import sha256
from sdetr.report.again import Again
from sdetr.report.links import takes_steps, trains
from sdetr.report.records import Record
from sdetr.report.settings import CellRun


@dataclass(frozen=True)
class Cost:
    """What a run took."""

    device: str
    training_s: float
    total_s: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class Result:
    """A finished and evaluated run."""

    run: str
    metrics: dict[str, float]
    classes: tuple[str, ...]
    index: str  # sha256 of the index it was evaluated on
    commit: str | None
    dirty: bool
    cost: Cost


def read_result(cell: CellRun, again: Again, epoch: int | None = None) -> Result:
    """The run at its end, or at an epoch of its curve; that it is the plan's run, its records have to say.

    Raises ValueError for numbers of another evaluation than this code's, or a curve that is not the run's.
    """
    record = Record(Path(cell.run) / "run.json", again)
    if takes_steps(cell.run):
        return _result(record, cell, _took(record), (), "dataset")
    metrics = Record(Path(cell.run) / "metrics.json", again)
    metrics.compare("evaluation recipe", metrics.value("recipe"), RECIPE, "the code's is")
    curve = Path(cell.run) / "metrics.jsonl"
    if trains(cell.run):
        record.compare("curve", sha256(curve), record.value("outputs", "metrics.jsonl"), "the run wrote")
    if epoch is not None:
        record.compare("evaluation recipe", record.value("evaluation_recipe"), RECIPE, "the code's is")
    found = metrics.value("metrics") if epoch is None else _at_epoch(curve, epoch)
    return _result(record, cell, found, tuple(record.value("classes")), "test")


def _took(record: Record) -> dict[str, float]:
    """What the steps of a pretraining took."""
    record.compare(
        "cost",
        sha256(record.path.with_name("cost.json")),
        record.value("outputs", "cost.json"),
        "the run wrote",
    )
    return dict(record.value("metrics"))


def _result(
    record: Record, cell: CellRun, metrics: dict[str, float], classes: tuple[str, ...], images: str
) -> Result:
    """`images`: slot of the index that the run was measured on."""
    return Result(
        run=cell.run,
        metrics=metrics,
        classes=classes,
        index=record.value("inputs", images, "sha256"),
        commit=record.value("commit"),
        dirty=record.value("dirty"),
        cost=Cost(
            device=record.value("device"),
            training_s=record.value("seconds", "training"),
            total_s=record.value("seconds", "total"),
            peak_memory_bytes=record.value("peak_memory_bytes"),
        ),
    )


def resamples_of(run: str, again: Again) -> Resamples:
    """What the run's evaluation drew. Raises ValueError or FileNotFoundError where it is not that file."""
    metrics, path = Record(Path(run) / "metrics.json", again), Path(run) / RESAMPLES
    wrote = metrics.value("outputs", RESAMPLES)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; make it again: {metrics.cure}")
    metrics.compare("resamples", wrote, sha256(path), "beside it lie")
    return read_resamples(path)


def evaluated(curve: Path) -> dict[float, dict[str, float]]:
    """Epoch → test metrics, percent, of every time that the run was evaluated."""
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines()
    ]
    tests = {
        line["epoch"]: {k.removeprefix("test/"): value for k, value in line.items() if k.startswith("test/")}
        for line in lines
        if "epoch" in line
    }
    return {epoch: metrics for epoch, metrics in tests.items() if metrics}


def _at_epoch(curve: Path, epoch: int) -> dict[str, float]:
    there = evaluated(curve)
    for tested, metrics in there.items():
        if abs(tested - epoch) < 1e-6:
            return metrics
    epochs = ", ".join(f"{tested:g}" for tested in there) or "none"
    raise ValueError(f"{curve} was not evaluated at epoch {epoch}; it was at {epochs}: ask for one of these")
