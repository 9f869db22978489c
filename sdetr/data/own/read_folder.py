"""Images alone, for pretraining."""

from pathlib import Path

from sdetr.data.own.files import images_below
from sdetr.data.own.findings import Findings
from sdetr.data.own.raw import RawImage, RawSet
from sdetr.data.own.settings import OwnSettings


def read(settings: OwnSettings, root: Path, findings: Findings) -> RawSet:
    """All images below, in order."""
    files = images_below(root / settings.images, root, findings, alone=True)
    return RawSet(root, "xywh", [RawImage(file) for file in files])
