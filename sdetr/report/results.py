"""What one run says of itself, believed only where its digests agree with the plan's."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdetr.evaluation.settings import RECIPE
from sdetr.files import sha256
from sdetr.report.settings import CellRun

PROFILES = {"paper": "local", "smoke": "smoke"}
"""Scale → Snakemake profile; the variations of the demo have the demo's."""


@dataclass(frozen=True)
class Result:
    """A finished and evaluated run."""

    run: str
    metrics: dict[str, float]  # percent
    classes: tuple[str, ...]
    index: str  # sha256 of the index it was evaluated on
    commit: str | None
    dirty: bool
    device: str
    training_s: float


def read_result(cell: CellRun, scale: str, epoch: int | None = None) -> Result:
    """The run at its end, or at an epoch of its curve. Raises ValueError when it is not the plan's run."""
    record = _Record(Path(cell.run) / "run.json", scale)
    metrics = _Record(Path(cell.run) / "metrics.json", scale)
    start = _Record(Path(cell.init), scale)
    index = record.value("inputs", "test", "sha256")
    made_from = record.value("inputs", "init", "sha256")
    record.compare("settings", record.value("inputs", "settings", "sha256"), cell.settings, "the plan's are")
    if made_from not in (digests := sorted(start.value("outputs").values())):
        record.compare("init", made_from, ", ".join(digests), f"{start.path} says that now there is")
    predictions = record.value("outputs", "predictions.json")
    metrics.compare("predictions", metrics.value("inputs", "predictions"), predictions, "the run has now")
    metrics.compare("test index", metrics.value("inputs", "index"), index, "the run was tested on")
    metrics.compare("evaluation recipe", metrics.value("recipe"), RECIPE, "the code's is")
    curve = Path(cell.run) / "metrics.jsonl"
    if epoch is not None:
        record.compare("curve", sha256(curve), record.value("outputs", "metrics.jsonl"), "the run wrote")
        record.compare("evaluation recipe", record.value("evaluation_recipe"), RECIPE, "the code's is")
    return Result(
        run=cell.run,
        metrics=metrics.value("metrics") if epoch is None else _at_epoch(curve, epoch),
        classes=tuple(record.value("classes")),
        index=index,
        commit=record.value("commit"),
        dirty=record.value("dirty"),
        device=record.value("device"),
        training_s=record.value("seconds", "training"),
    )


def cure(file: Path | str, scale: str) -> str:
    """The command that makes a file again, and all that follows from it."""
    profile = PROFILES.get(scale, "demo")
    return f"snakemake --profile {profile} all_tables --forcerun {file} --config scale={scale} tables=all"


class _Record:
    """A JSON file of a run, and how to make it again."""

    def __init__(self, path: Path, scale: str):
        self.path, self.cure = path, cure(path, scale)
        try:
            self.content = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{path} does not exist; make it: {self.cure}") from error
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}; make it again: {self.cure}") from error

    def value(self, *keys: str) -> Any:
        value = self.content
        for n, key in enumerate(keys, 1):
            if not isinstance(value, dict) or key not in value:
                raise ValueError(f"{self.path}: {'.'.join(keys[:n])} is missing; make it again: {self.cure}")
            value = value[key]
        return value

    def compare(self, what: str, found: Any, wanted: Any, whose: str) -> None:
        if found != wanted:
            raise ValueError(
                f"{self.path} is stale, made from other {what}: {found}, but {whose} {wanted}; "
                f"make it again: {self.cure}"
            )


def _at_epoch(curve: Path, epoch: int) -> dict[str, float]:
    """Metrics of the last line of this epoch that was evaluated."""
    lines = [json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines()]
    tested = [line for line in lines if any(key.startswith("test/") for key in line)]
    there = [line for line in tested if abs(line["epoch"] - epoch) < 1e-6]
    if not there:
        epochs = ", ".join(f"{line['epoch']:g}" for line in tested) or "none"
        raise ValueError(
            f"{curve} was not evaluated at epoch {epoch}; it was at {epochs}: ask for one of these"
        )
    return {key.removeprefix("test/"): value for key, value in there[-1].items() if key.startswith("test/")}
