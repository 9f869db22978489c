"""The figure stage: runs in, a picture of each kind out, and its numbers beside it."""

import csv
import io
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdetr.commit import current_commit, has_changes
from sdetr.files import sha256, write_json, write_text, written_whole
from sdetr.report.drawing import draw, words, written
from sdetr.report.figure_settings import FigureRun
from sdetr.report.lines import Panel, read_panels
from sdetr.report.picture_drawing import draw_pictures
from sdetr.report.shown import read_shown
from sdetr.report.tile_kinds import LISTED
from sdetr.settings_file import load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

WARNING = "Other data and smaller models: nothing here compares with a paper."


def make_figure(settings: Path, out: Path) -> None:
    """A FigureRun → `out` (.png), .svg, .csv and .json beside it.

    Raises SettingsError, or ValueError and FileNotFoundError naming the run that is stale or missing.
    """
    run = load(FigureRun, settings)
    made = _pictures(run) if run.is_pictures else _lines(run)
    for path in (out, out.with_suffix(".svg")):
        with written_whole(path) as temporary:
            temporary.write_bytes(written(made.figure, path.suffix[1:]))
    write_text(out.with_suffix(".csv"), _csv(made.rows))
    told = {"inputs": {"settings": {"path": str(settings), "sha256": sha256(settings)}}}
    write_json(out.with_suffix(".json"), _json(run, made) | told, indent=1)
    log.info("%s: %d panels", out, len(run.panels))


@dataclass(frozen=True)
class Made:
    """A figure, and what is written beside it."""

    figure: "Figure"
    rows: Iterable[Iterable[object]]
    """A header, and one for each point or box."""
    words: str
    runs: dict[str, dict[str, list[str]]]


def _lines(run: FigureRun) -> Made:
    panels = read_panels(run)
    figure = draw(run.figure.title, _note(run), panels, run.figure.x, run.figure.log)
    runs = {
        name: {row: list(line.runs) for row, line in panel.lines.items()} for name, panel in panels.items()
    }
    return Made(figure, _points(panels), words(panels), runs)


def _pictures(run: FigureRun) -> Made:
    panels = read_shown(run)
    figure = draw_pictures(run.figure.title, _note(run), panels)
    rows: list[list[object]] = [["panel", *LISTED]]
    rows += [[name, *row] for name, panel in panels.items() for row in panel.rows]
    said = " ".join(panel.words for panel in panels.values())
    return Made(figure, rows, said, {name: {name: [panel.run]} for name, panel in panels.items()})


def _note(run: FigureRun) -> str:
    return "" if run.compares else WARNING


def _csv(rows: Iterable[Iterable[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([f"{v:.6g}" if isinstance(v, float) else v for v in row] for row in rows)
    return file.getvalue()


def _points(panels: dict[str, Panel]) -> Iterator[list[object]]:
    """One row per point."""
    yield ["panel", "line", "label", "metric", "x", "mean", "std", "n", "paper"]
    for name, panel in panels.items():
        for row, line in panel.lines.items():
            for point in line.points:
                y = point.y
                numbers = [f"{point.x:g}", f"{y.mean:.6g}", "" if y.std is None else f"{y.std:.6g}", y.n]
                paper = "" if point.paper is None else str(point.paper)
                yield [name, row, line.label, panel.metric, *numbers, paper]


def _json(run: FigureRun, made: Made) -> dict[str, Any]:
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
        "words": made.words,
        "runs": made.runs,
    }
