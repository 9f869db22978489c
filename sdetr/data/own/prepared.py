"""The index of somebody's own data set: what can be used of it, with all that was mended counted."""

import logging
from dataclasses import replace
from pathlib import Path

from sdetr.data.index import Index
from sdetr.data.own.classes import classes_of
from sdetr.data.own.examine import examine, read_part
from sdetr.data.own.findings import Findings
from sdetr.data.settings import DatasetSettings

log = logging.getLogger(__name__)


def read_own(settings: DatasetSettings, name: str, folder: Path) -> Index:
    """Its root lies below `folder`, or is absolute. Raises ValueError with a line for each error."""
    assert settings.own
    root, findings = folder / settings.roots[0], Findings(settings.own.strict)
    raw = read_part(settings.own, root, findings)
    classes = classes_of({settings.split: raw}, settings.own, findings, settings.classes)
    part = examine(settings.own, name, root, classes, raw, findings)
    findings.refuse(name)
    for one in findings:
        log.info("%s: %s", name, one)
    counts = {one.code: one.count for one in findings}
    return replace(part.index, funnel=part.index.funnel | counts)
