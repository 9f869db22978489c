"""A finished run as its page needs it: record, curve, numbers, settings, and the end of its log."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdetr.files import sha256
from sdetr.report.page_settings import PageRun
from sdetr.report.records import Record
from sdetr.secrets import redact

LOG_LINES = 40

Point = dict[str, float]


@dataclass(frozen=True)
class RunFolder:
    """What a run folder holds, believed only where its digests agree."""

    path: Path  # data/<scale>/<run>
    record: dict[str, Any]
    curve: tuple[Point, ...]
    metrics: dict[str, Any]  # metrics.json; empty for a run that is not evaluated
    settings: str
    log: tuple[str, ...]  # last lines; none where the log is not here, or is that of another attempt

    @property
    def numbers(self) -> dict[str, float]:
        """What was measured at the end, percent."""
        return dict(self.metrics.get("metrics") or self._last("test/"))

    def series(self) -> dict[str, list[tuple[float, float]]]:
        """Name → (step, value), what was measured first, else in the order of the curve."""
        names = [name for line in self.curve for name in line if "/" in name]
        ordered = sorted(dict.fromkeys(names), key=lambda name: not name.startswith("test/"))
        return {name: [(line["step"], line[name]) for line in self.curve if name in line] for name in ordered}

    def best(self, name: str) -> Point | None:
        """The line of the curve where a number was highest, the first of equals; None if there is none."""
        there = [line for line in self.curve if name in line]
        return max(there, key=lambda line: line[name]) if there else None

    def _last(self, prefix: str) -> Point:
        lines = [line for line in self.curve if any(key.startswith(prefix) for key in line)]
        last = lines[-1] if lines else {}
        return {key.removeprefix(prefix): value for key, value in last.items() if key.startswith(prefix)}


def read_run(page: PageRun) -> RunFolder:
    """Raises FileNotFoundError or ValueError, with the cure, for a run that is missing or not the plan's."""
    path = Path("data") / page.scale / page.run
    record = Record(path / "run.json", page.again)
    record.compare("settings", record.value("inputs", "settings", "sha256"), page.settings, "the plan's are")
    wrote, curve = record.value("outputs", "metrics.jsonl"), path / "metrics.jsonl"
    record.compare("curve", sha256(curve), wrote, "the run wrote")
    return RunFolder(
        path=path,
        record=json.loads(redact(json.dumps(record.content))),
        curve=tuple(json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines()),
        metrics=_measured(page, record) if page.measured else {},
        settings=redact((path / "settings.yaml").read_text(encoding="utf-8")),
        log=_log(Path("data") / page.scale / "state" / page.run, record.content),
    )


def _measured(page: PageRun, record: Record) -> dict[str, Any]:
    """metrics.json, if it was made from the run's predictions by the plan's evaluation."""
    metrics = Record(record.path.with_name("metrics.json"), page.again)
    inputs: dict[str, Any] = metrics.value("inputs")
    predictions = record.value("outputs", "predictions.json")
    metrics.compare("settings", inputs["settings"]["sha256"], page.measured, "the plan's are")
    metrics.compare("predictions", inputs["predictions"]["sha256"], predictions, "the run has now")
    return dict(metrics.content)


def _log(state: Path, record: dict[str, Any]) -> tuple[str, ...]:
    """State is never an output: it may be gone, or belong to an attempt that another one replaced."""
    ours, log = state / "run.json", state / "train.log"
    if not (ours.exists() and log.exists()) or json.loads(ours.read_text(encoding="utf-8")) != record:
        return ()
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return tuple(map(redact, lines))
