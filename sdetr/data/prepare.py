"""From raw files to an index: generate if asked, read, clean, check, write."""

import logging
import time
from pathlib import Path

from sdetr import record
from sdetr.data.clean import clean
from sdetr.data.embedded.generate import generate
from sdetr.data.index import Index
from sdetr.data.own.prepared import read_own
from sdetr.data.own.source import source_of
from sdetr.data.readers.coco import read_coco
from sdetr.data.readers.folder import read_folder
from sdetr.data.readers.panoptic import read_panoptic
from sdetr.data.readers.places import nearest
from sdetr.data.readers.voc import read_voc
from sdetr.data.settings import DataRun, DatasetSettings
from sdetr.files import write_json
from sdetr.settings_file import load

log = logging.getLogger(__name__)

READERS = {"coco": read_coco, "voc": read_voc, "folder": read_folder, "own": read_own}


def prepare_run(settings: Path, out: Path) -> None:
    """`prepare` from the settings of a DataRun; the index `x.json` gets a record `x.record.json`."""
    began = time.perf_counter()
    run = load(DataRun, settings)
    begun = record.begin(run.stage, f"raw/{run.name}", None, {"settings": settings}, out.parent)
    begun["starts"] = [record.start_entry(0)]
    if run.dataset.own:
        begun["source"] = source_of(run.dataset, out.parent)
    prepare(run.dataset, run.name, out)
    ended = record.end(begun, {out.name: out}, {"total": time.perf_counter() - began})
    write_json(out.with_suffix(".record.json"), ended, indent=1)


def prepare(settings: DatasetSettings, name: str, out: Path) -> None:
    """Write the index of a data set to `out` (`data/raw/<name>/<split>.json`), drawing its files if asked to.

    Raises FileNotFoundError or ValueError naming what is missing or wrong, where, and what to do.
    """
    if settings.generate:
        settings = generate(settings, name, out.parent)
    elif not settings.roots:
        raise ValueError(f"data set {name} neither generates its files nor says in `roots` where they are")
    read = read_panoptic if settings.panoptic else READERS[settings.layout]
    try:
        found = read(settings, name, out.parent)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}; `sdetr fetch {name}` gets the data set, `sdetr fetch {name} --from FOLDER` links yours"
        ) from error
    index = found if settings.own else clean(found)
    _check(settings, index)
    index.save(out)
    log.info("%s: %s", out, ", ".join(f"{key} {count}" for key, count in index.funnel.items() if count))


def _check(settings: DatasetSettings, index: Index) -> None:
    for what, found, expected in (
        ("images", len(index.images), settings.expected_images),
        ("objects", index.funnel["boxes_found"], settings.expected_objects),
    ):
        if expected and found != expected:
            raise ValueError(
                f"data set {index.dataset} has {found} {what} in {index.root}, expected {expected}; "
                "is it complete, and the split that its file names?"
            )
    for field, held_back in (("unseen", settings.unseen), ("novel", settings.novel)):
        unknown = [name for name in held_back if name not in index.classes]
        if unknown:
            raise ValueError(
                f"{field} names class {unknown[0]!r}, which data set {index.dataset} does not have"
                f"{nearest(unknown[0], index.classes)}"
            )
