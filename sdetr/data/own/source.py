"""Whether somebody's files are still those that an index was made of, without opening an image."""

import hashlib
from pathlib import Path

from sdetr.data.own.files import BESIDE
from sdetr.data.own.settings import OwnSettings
from sdetr.data.readers.folder import SUFFIXES, files_below
from sdetr.data.settings import DatasetSettings
from sdetr.files import sha256

TEXTS = {*BESIDE, ".names"}
"""Files of annotations, lists of images, names of classes."""


def source_of(settings: DatasetSettings, folder: Path) -> str:
    """Digest of what a data set's texts say, and of its images' names and sizes.

    Its root lies below `folder`, or is absolute. No clock is asked: a copy of the same files is the same.
    Images of other parts may lie among them: what comes to those changes it, too. What is not
    there is nothing here: whoever reads it says so. Raises ValueError for a link back to where it is.
    """
    own = settings.own
    assert own
    root = folder / settings.roots[0]
    digest = hashlib.sha256()
    for path in sorted(_files(own, root)):
        told = sha256(path) if path.suffix.lower() in TEXTS else path.stat().st_size
        digest.update(f"{path.relative_to(root)}\0{told}\n".encode())
    return digest.hexdigest()


def _files(own: OwnSettings, root: Path) -> set[Path]:
    images = {path for path in _below(root / own.images) if path.suffix.lower() in SUFFIXES}
    texts = {path for path in _below(root / own.annotations) if path.suffix.lower() in TEXTS}
    if own.format == "folder":
        return images
    if own.format == "yolo":  # names of classes
        texts |= {path for path in root.glob("*.*") if path.suffix.lower() in TEXTS}
    listed = root / own.listed
    if not listed.is_file():
        return images | texts
    words = (line.split() for line in listed.read_text(encoding="utf-8", errors="replace").splitlines())
    names = {line[0] for line in words if line}
    return {path for path in images | texts if path.stem in names} | {listed}


def _below(place: Path) -> set[Path]:
    return set(files_below(place, place)) if place.is_dir() else {path for path in (place,) if path.exists()}
