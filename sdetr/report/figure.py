"""The figure stage: runs in, a picture of each kind out, and its numbers beside it."""

import csv
import io
import logging
from pathlib import Path
from typing import Any

from sdetr.commit import current_commit, has_changes
from sdetr.files import sha256, write_json, write_text, written_whole
from sdetr.report.drawing import draw, words, written
from sdetr.report.figure_settings import FigureRun
from sdetr.report.lines import Panel, read_panels
from sdetr.settings_file import load

log = logging.getLogger(__name__)

WARNING = "Embedded data and tiny models: nothing here compares with a paper."


def make_figure(settings: Path, out: Path) -> None:
    """A FigureRun → `out` (.png), .svg, .csv and .json beside it.

    Raises SettingsError, or ValueError and FileNotFoundError naming the run that is stale or missing.
    """
    run = load(FigureRun, settings)
    panels = read_panels(run)
    note = "" if run.compares else WARNING
    figure = draw(run.figure.title, note, panels, run.figure.x, run.figure.log)
    for path in (out, out.with_suffix(".svg")):
        with written_whole(path) as temporary:
            temporary.write_bytes(written(figure, path.suffix[1:]))
    write_text(out.with_suffix(".csv"), _csv(panels))
    told = {"inputs": {"settings": {"path": str(settings), "sha256": sha256(settings)}}}
    write_json(out.with_suffix(".json"), _json(run, panels) | told, indent=1)
    log.info("%s: %d panels", out, len(panels))


def _csv(panels: dict[str, Panel]) -> str:
    """One line per point."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["panel", "line", "label", "metric", "x", "mean", "std", "n", "paper"])
    for name, panel in panels.items():
        for row, line in panel.lines.items():
            for point in line.points:
                y = point.y
                numbers = [f"{point.x:g}", f"{y.mean:.6g}", "" if y.std is None else f"{y.std:.6g}", y.n]
                paper = "" if point.paper is None else point.paper
                writer.writerow([name, row, line.label, panel.metric, *numbers, paper])
    return file.getvalue()


def _json(run: FigureRun, panels: dict[str, Panel]) -> dict[str, Any]:
    return {
        "id": run.id,
        "scale": run.scale,
        "compares": run.compares,
        "recipe": run.recipe,
        "commit": current_commit(),
        "dirty": has_changes(),
        "title": run.figure.title,
        "caption": run.figure.caption,
        "source": run.figure.source,
        "stands": dict(run.stands),
        "words": words(panels),
        "runs": {
            name: {row: list(line.runs) for row, line in panel.lines.items()}
            for name, panel in panels.items()
        },
    }
