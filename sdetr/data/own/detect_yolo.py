"""Folders with a text per image: YOLO's images and labels, and darknet's, where they lie together."""

import os
from collections.abc import Iterator
from pathlib import Path

from sdetr.data.own.files import is_fork
from sdetr.data.own.found import SPLITS, Found
from sdetr.data.own.yolo_names import data_yaml, is_label
from sdetr.data.readers.folder import SUFFIXES


def yolo(root: Path) -> Iterator[Found]:
    """Raises ValueError for a data.yaml whose images are elsewhere."""
    said = data_yaml(root)
    found = []
    for split, words in SPLITS.items():
        told = next((said[word] for word in words if isinstance(said.get(word), str)), "")
        usual = [f"{a}/{b}" for word in words for a, b in (("images", word), (word, "images"))]
        places = [*_within(root, str(said.get("path", "")), told), *usual]
        if part := next((part for images in places if (part := _part(root, split, images))), None):
            found.append(part)
        elif told and _is_elsewhere(told):
            raise ValueError(
                f"data.yaml: {split}: {told} lies outside {root}; give the folder that holds images and "
                "labels of all parts, or say there where they are below it"
            )
    if not found and not any((root / "images" / w).is_dir() for words in SPLITS.values() for w in words):
        found += filter(None, [_part(root, "train", "images")])
    if not found and any(word in said for word in SPLITS["train"]):
        raise ValueError(
            f"data.yaml: train: {said.get('train')} is no folder below {root} with one of labels beside it"
        )
    yield from found


def beside(root: Path) -> Iterator[Found]:
    """Each text beside its image."""
    parts = {
        split: place
        for split, words in SPLITS.items()
        for word in words
        for place in (word, f"images/{word}", f"data/{word}")
        if _are_together(root / place)
    }
    alone = (place for place in (".", "images", "data", "obj_train_data") if _are_together(root / place))
    if not parts and (place := next(alone, "")):
        parts = {"train": place}
    for split, place in parts.items():
        own = {"format": "yolo", "images": "" if place == "." else place, "annotations": place}
        yield Found("YOLO, each text beside its image", split, own)


def _part(root: Path, split: str, images: str) -> Found | None:
    """If there are images, and labels in a folder of the same place."""
    labels = "/".join("labels" if part == "images" else part for part in images.split("/"))
    there = (root / images).is_dir() and (root / labels).is_dir()
    if there and labels == images and _are_together(root / images):
        return Found("YOLO, each text beside its image", split, _own(images, labels))
    if there and labels != images and any(not is_fork(path) for path in (root / labels).rglob("*.txt")):
        return Found("YOLO", split, _own(images, labels))
    return None


def _own(images: str, labels: str) -> dict[str, str]:
    return {"format": "yolo", "images": images, "annotations": labels}


def _within(root: Path, path: str, told: str) -> Iterator[str]:
    """Where data.yaml may mean, as far as that is below the root: its `path`, which is of another machine
    as often as not, and Roboflow's `../train/images`, which is beside data.yaml, count and count not."""
    top = Path(os.path.normpath(root))
    for one in (told, told.removeprefix("../"), Path(path, told)):
        place = Path(os.path.normpath(top / one))
        if told and place.is_relative_to(top) and place != top:
            yield place.relative_to(top).as_posix()


def _is_elsewhere(told: str) -> bool:
    return Path(told).is_absolute() or told.startswith("../../")


def _are_together(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    stems = {path.stem for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not is_fork(path)}
    texts = (path for path in sorted(folder.glob("*.txt")) if path.stem in stems and not is_fork(path))
    return any(is_label(path) for path in texts)
