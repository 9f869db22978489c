"""A folder of images, ImageNet's or anybody's; the folders directly below it, if any, are classes."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sdetr.data.images import displayed_size
from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.progress import ticking
from sdetr.data.readers.places import must_exist
from sdetr.data.settings import DatasetSettings

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


def read_folder(settings: DatasetSettings, name: str, folder: Path) -> Index:
    """Images in sorted order, ids from 1; in class folders each has one box, all of it. Errors name files."""
    tried = [folder / root for root in settings.roots]
    root = must_exist(next((path for path in tried if path.exists()), tried[0]), "image folder")
    _refuse_unknown(settings.only, root)
    found = [path for top in (sorted(settings.only) or [""]) for path in files_below(root / top, root)]
    paths = [path for path in found if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise ValueError(
            f"no image among the {len(found)} files below {root}; expected {', '.join(sorted(SUFFIXES))}"
        )
    parts = [path.relative_to(root).parts for path in paths]
    classes = sorted({part[0] for part in parts if len(part) > 1})
    labels = {label: i for i, label in enumerate(classes)}
    images: list[ImageRow] = []
    annotations: list[Annotation] = []
    walk = ticking(zip(paths, parts, strict=True), len(paths), f"reading {name}")
    for number, (path, part) in enumerate(walk, 1):
        height, width = displayed_size(path)
        images.append(ImageRow(number, path.relative_to(root).as_posix(), height, width))
        if len(part) > 1:
            whole = (0.0, 0.0, float(width), float(height))
            annotations.append(Annotation(number, labels[part[0]], whole, float(height * width)))
    return Index(name, root, classes, images, annotations, {"no_image": len(found) - len(paths)})


def _refuse_unknown(only: Sequence[str], root: Path) -> None:
    absent = [name for name in only if not (root / name).is_dir()]
    if absent:
        raise FileNotFoundError(f"only: {len(absent)} of {len(only)} folders are not in {root}: {absent[0]}")


def files_below(folder: Path, top: Path) -> Iterator[Path]:
    """All files below, folder by folder in sorted order; a link back to a folder that holds it is refused."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if not entry.is_dir():
            yield path
        elif entry.is_symlink() and folder.resolve().is_relative_to(path.resolve()):
            raise ValueError(
                f"{path} links to {path.resolve()}, which holds it: the walk of {top} would never end"
            )
        else:
            yield from files_below(path, top)
