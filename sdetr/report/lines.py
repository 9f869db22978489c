"""The lines of a figure as numbers: where each point stands, and what its runs measured there."""

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdetr.evaluation.settings import RECIPE
from sdetr.files import sha256
from sdetr.report.again import Again
from sdetr.report.figure_settings import FigureRun, LineRun, PanelRun
from sdetr.report.records import Record, check_records
from sdetr.report.results import evaluated, read_result
from sdetr.report.settings import CellRun
from sdetr.report.statistics import Summary, summarise

LOSS = "loss"


@dataclass(frozen=True)
class Point:
    """Mean and deviation over the runs that were measured there."""

    x: float
    y: Summary
    paper: float | None = None


@dataclass(frozen=True)
class Line:
    """A row of a panel."""

    label: str
    points: tuple[Point, ...]
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """One drawing."""

    label: str
    metric: str
    lines: dict[str, Line]


def read_panels(settings: FigureRun) -> dict[str, Panel]:
    """Raises ValueError or FileNotFoundError for the first run that is not the plan's, or not there."""
    check_records(settings.records, settings.again)
    panels = {}
    for name, panel in settings.panels.items():
        assert isinstance(panel, PanelRun)
        lines = {row: _line(line, panel.metric, settings.again) for row, line in panel.lines.items()}
        panels[name] = Panel(panel.label, panel.metric, lines)
    return panels


def _line(line: LineRun, metric: str, again: Again) -> Line:
    runs = tuple(dict.fromkeys(run.run for runs in line.points for run in runs))
    if line.x:
        points = tuple(_ends(line, metric, again))
    else:
        (of_seeds,) = line.points
        points = _over_epochs([_curve(run, metric, again) for run in of_seeds], line.paper)
    if not points:
        raise ValueError(
            f"{runs[0]} has no {metric} to draw; make it again: {again.command(f'{runs[0]}/run.json')}"
        )
    return Line(line.label, points, runs)


def _ends(line: LineRun, metric: str, again: Again) -> Iterable[Point]:
    """What was measured at the end of the runs of each point."""
    for n, (x, runs) in enumerate(zip(line.x, line.points, strict=True)):
        found = [read_result(run, again).metrics for run in runs]
        if y := summarise([metrics[metric] for metrics in found if metric in metrics]):
            yield Point(x, y, line.paper[n] if line.paper else None)


def _over_epochs(curves: Sequence[dict[float, float]], paper: Sequence[float | None]) -> tuple[Point, ...]:
    """Where every run was measured; what was published is of the end."""
    shared = sorted(set.intersection(*map(set, curves))) if curves else []
    points = [Point(x, y) for x in shared if (y := summarise([curve[x] for curve in curves]))]
    if points and paper and paper[0] is not None:
        points[-1] = Point(points[-1].x, points[-1].y, paper[0])
    return tuple(points)


def _curve(run: CellRun, metric: str, again: Again) -> dict[float, float]:
    """Epoch → value, of the curve that the run wrote."""
    path = Path(run.run) / "metrics.jsonl"
    record = Record(Path(run.run) / "run.json", again)
    if metric != LOSS:
        read_result(run, again)  # which believes the run and its curve, or raises
        record.compare("evaluation recipe", record.value("evaluation_recipe"), RECIPE, "the code's is")
        return {epoch: found[metric] for epoch, found in evaluated(path).items() if metric in found}
    record.compare("curve", sha256(path), record.value("outputs", "metrics.jsonl"), "the run wrote")
    return _mean_losses(path)


def _mean_losses(curve: Path) -> dict[float, float]:
    """Epochs that are over → the mean of what was lost in the one that then ended."""
    lost: dict[int, list[float]] = defaultdict(list)
    for line in map(json.loads, curve.read_text(encoding="utf-8").splitlines()):
        if "train/total" in line:
            lost[math.ceil(line["epoch"])].append(line["train/total"])
    return {float(epoch): statistics.fmean(values) for epoch, values in lost.items()}
