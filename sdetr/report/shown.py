"""Panels of pictures, read from the looks that the plan names."""

from dataclasses import dataclass
from pathlib import Path

from sdetr.evaluation.look_settings import LOOKS
from sdetr.evaluation.looked import Found, Looked, read_looked
from sdetr.files import sha256
from sdetr.report.figure_settings import FigureRun, LooksPanelRun
from sdetr.report.records import Record, check_records
from sdetr.report.tile_kinds import KINDS, Row
from sdetr.report.tiles import Strip


@dataclass(frozen=True)
class Shown:
    """A panel: what is drawn, line by line of tiles; what is listed beside; what it says in words."""

    label: str
    run: str
    strips: tuple[Strip, ...]
    rows: tuple[Row, ...]
    words: str


def read_shown(settings: FigureRun) -> dict[str, Shown]:
    """Raises ValueError or FileNotFoundError for the first run that is not the plan's, or not there."""
    check_records(settings.records, settings.again)
    panels = {}
    for name, panel in settings.panels.items():
        assert isinstance(panel, LooksPanelRun)
        record, file = Record(Path(panel.run) / "run.json", settings.again), Path(panel.run) / LOOKS
        if not file.exists():
            raise FileNotFoundError(f"{file} does not exist; make it again: {record.cure}")
        record.compare("looks", sha256(file), record.value("outputs", LOOKS), "the run wrote")
        panels[name] = _shown(panel, read_looked(file))
    return panels


def _shown(panel: LooksPanelRun, looked: Looked) -> Shown:
    looked = _labels(looked) if panel.labels else looked
    strips, rows, words = KINDS[looked.kind](panel.label, looked)
    return Shown(panel.label, panel.run, strips, tuple(rows), f"{panel.label}: {words}.")


def _labels(looked: Looked) -> Looked:
    images = [Found(found.pixels, boxes=found.truth, labels=found.names) for found in looked.images]
    return Looked("labels", looked.classes, 0.0, looked.ids, tuple(images))
