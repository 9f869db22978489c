"""The cells of a table as small files that `dvc metrics` and `dvc plots` read: numbers, and mean curves."""

import csv
import shutil
from pathlib import Path

from sdetr.files import write_json, written_whole
from sdetr.report.content import Cell, Content
from sdetr.report.links import trains
from sdetr.report.metric_names import Metric
from sdetr.report.metrics import reading
from sdetr.report.results import evaluated
from sdetr.report.statistics import summarise


def write_numbers(content: Content, folder: Path) -> None:
    """Fills `folder` anew: `<column>/<row>.json`, and the curve `.csv` where a row reads its end."""
    shutil.rmtree(folder, ignore_errors=True)
    table = content.settings.table
    for cell in content.cells:
        if cell.results:
            path = folder / cell.column / f"{cell.row}.json"
            write_json(path, _numbers(cell), indent=1)
            if table.rows[cell.row].epoch is None and trains(cell.results[0].run):
                _write_curve(cell, table.metrics, path.with_suffix(".csv"))


def _numbers(cell: Cell) -> dict[str, float]:
    """Means, to one digit more than people read, and over how many runs."""
    means: dict[str, float] = {
        metric: round(entry.ours.mean, reading(metric).decimals + 1)
        for metric, entry in cell.entries.items()
        if entry.ours
    }
    return means | {"runs": len(cell.results)}


def _write_curve(cell: Cell, metrics: tuple[Metric, ...], path: Path) -> None:
    """A line per epoch at which every run was evaluated; what no run has is empty."""
    curves = [evaluated(Path(result.run) / "metrics.jsonl") for result in cell.results]
    with written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["epoch", *metrics])
        for epoch in sorted(set.intersection(*map(set, curves))):
            means = [
                summarise([curve[epoch][metric] for curve in curves if metric in curve[epoch]])
                for metric in metrics
            ]
            writer.writerow([f"{epoch:g}", *("" if mean is None else f"{mean.mean:.3f}" for mean in means)])
