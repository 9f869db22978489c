"""Whether a data set is there, as far as that can be told without opening an image or a long file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from sdetr.data.fetching.layout import Need, needs, voc_lists
from sdetr.data.readers.folder import SUFFIXES, files_below
from sdetr.data.readers.places import must_exist
from sdetr.data.settings import DatasetSettings

At: TypeAlias = Callable[[Need], Path]
"""Where what is needed lies, or will lie."""


def lacking(settings: DatasetSettings, at: At) -> list[Need]:
    return [need for need in needs(settings) if not at(need).exists()]


def survey(settings: DatasetSettings, at: At) -> int:
    """How many images there are. FileNotFoundError naming what is missing, ValueError for a wrong number."""
    for need in needs(settings):
        must_exist(at(need), need.what)
    found = {"voc": _voc, "coco": _coco, "folder": _folder, "own": _own}[settings.layout](settings, at)
    expected = settings.expected_images
    # A COCO folder may hold more than its file lists, and its file is too long to be read here.
    if expected and (found < expected if settings.layout == "coco" else found != expected):
        where = ", ".join(dict.fromkeys(str(at(need)) for need in needs(settings) if "image" in need.what))
        raise ValueError(f"{found} images in {where}, expected {expected}")
    return found


def _voc(settings: DatasetSettings, at: At) -> int:
    count = 0
    for root, part in zip(settings.roots, voc_lists(settings), strict=True):
        listed = at(Need(root, f"ImageSets/Main/{part}.txt", "image list"))
        stems = {line.strip() for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()}
        for folder in ("Annotations", "JPEGImages"):
            path = at(Need(root, folder, "folder"))
            missing = sorted(stems - {Path(entry.name).stem for entry in os.scandir(path)})
            if missing:
                raise FileNotFoundError(
                    f"{len(missing)} of the {len(stems)} images that {listed} lists are not in {path}, "
                    f"the first is {missing[0]}"
                )
        count += len(stems)
    return count


def _coco(settings: DatasetSettings, at: At) -> int:
    folders = [Need(settings.roots[0], one, "image folder") for one in settings.image_folders]
    return sum(_images(at(folder)) for folder in folders)


def _folder(settings: DatasetSettings, at: At) -> int:
    return sum(
        _images(at(Need(settings.roots[0], one, "class folder"))) for one in sorted(settings.only) or [""]
    )


def _own(settings: DatasetSettings, at: At) -> int:
    assert settings.own
    return _images(at(Need(settings.roots[0], settings.own.images, "image folder")))


def _images(folder: Path) -> int:
    return sum(path.suffix.lower() in SUFFIXES for path in files_below(folder, folder))
