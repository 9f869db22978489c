"""Which layout a folder has: what `sdetr data add` writes into a data set's file."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sdetr.data.own.yolo_names import data_yaml
from sdetr.data.readers.folder import SUFFIXES

SPLITS = {
    "train": ("train", "training", "trainval"),
    "val": ("valid", "val", "validation", "dev"),
    "test": ("test", "testing"),
}
"""Split → what folders, files and lists of it are called."""
HELD_OUT = 0.2
LOOKED_AT = 5000
"""Files below a folder that are looked at until one of a kind is found."""


@dataclass(frozen=True)
class Found:
    """One part of a data set: the settings that read it."""

    layout: str
    """In words, for the person who asked."""
    split: str
    own: dict[str, Any] = field(default_factory=dict)


def detect(root: Path) -> list[Found]:
    """The parts of the data set in a folder, training first.

    Raises FileNotFoundError for no folder, ValueError naming what is there if it is no layout that is known.
    """
    if not root.is_dir():
        what = "is a file; unpack it and give the folder" if root.exists() else "does not exist"
        raise FileNotFoundError(f"{root} {what}")
    for looks_like in (_roboflow, _coco, _imagefolder, _yolo, _voc, _pairs, _folder):
        if found := list(looks_like(root)):
            order = list(SPLITS)
            found.sort(key=lambda one: order.index(one.split) if one.split in order else -1)
            return _held_out(found[0]) if len(found) == 1 and found[0].own["format"] != "folder" else found
    holds = ", ".join(sorted(entry.name for entry in root.iterdir())[:8]) or "nothing"
    raise ValueError(
        f"{root} holds {holds}: no layout that is known (COCO, Roboflow, CVAT, VOC, pairs of images and XML, "
        "YOLO, Hugging Face's imagefolder, images alone); see docs/own-data.md"
    )


def _held_out(one: Found) -> list[Found]:
    """Of a data set with one part: a fifth is for measuring."""
    train = replace(one, split="train", own=one.own | {"hold_out": HELD_OUT})
    return [train, replace(train, split="val", own=train.own | {"held": True})]


def split_of(name: str) -> str:
    """`instances_val2017` → val; empty for a name that says none."""
    plain = name.lower()
    for split, words in reversed(SPLITS.items()):
        if any(word in plain for word in words):
            return split
    return ""


def _roboflow(root: Path) -> Iterator[Found]:
    for path in sorted(root.glob("*/_annotations.coco.json")):
        place = path.relative_to(root).as_posix()
        own = {"format": "coco", "images": path.parent.name, "annotations": place}
        yield Found("Roboflow's COCO", split_of(path.parent.name) or path.parent.name, own)
    if (root / "_annotations.coco.json").exists():
        yield Found("Roboflow's COCO", "train", {"format": "coco", "annotations": "_annotations.coco.json"})


def _coco(root: Path) -> Iterator[Found]:
    """`annotations/*.json` (CVAT's instances_default among them) or JSON in the folder itself."""
    files = sorted((root / "annotations").glob("*.json")) or sorted(root.glob("*.json"))
    files = [path for path in files if _is_coco(path)]
    said = [path for path in files if path.name.startswith("instances_")] or files
    for path in said:
        split = split_of(path.stem) or ("train" if len(said) == 1 else path.stem.lower())
        place = path.relative_to(root).as_posix()
        yield Found(
            "COCO", split, {"format": "coco", "images": _images_for(root, path), "annotations": place}
        )


def _is_coco(path: Path) -> bool:
    """As its first and last characters tell; it may be of gigabytes."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
        file.seek(max(0, path.stat().st_size - (1 << 16)))
        ends = head + file.read()
    return (
        any(key in ends for key in (b'"images"', b'"annotations"')) and b"caption" not in path.name.encode()
    )


def _images_for(root: Path, path: Path) -> str:
    """Folder of the images that an annotation file is of, below the root."""
    name = path.stem.removeprefix("instances_")
    split = split_of(name)
    names = [name, *SPLITS.get(split, ())]
    for one in [*names, *(f"images/{n}" for n in names), "images/default", "images", "JPEGImages"]:
        if (root / one).is_dir() and one:
            return one
    return ""


def _imagefolder(root: Path) -> Iterator[Found]:
    for path in [root / "metadata.jsonl", *sorted(root.glob("*/metadata.jsonl"))]:
        if path.exists():
            below = path.parent.relative_to(root).as_posix()
            images = "" if below == "." else below
            own = {
                "format": "imagefolder",
                "images": images,
                "annotations": path.relative_to(root).as_posix(),
            }
            yield Found("Hugging Face's imagefolder", split_of(images) or images or "train", own)


def _yolo(root: Path) -> Iterator[Found]:
    said = data_yaml(root)
    if not said and not (root / "labels").is_dir():
        return
    for split, words in SPLITS.items():
        places = [f"{a}/{b}" for word in words for a, b in (("images", word), (word, "images"))]
        if isinstance(said.get(words[0]) or said.get(split), str):
            told = str(said.get(words[0]) or said.get(split)).removeprefix("../").removeprefix("./")
            places.insert(0, told.rstrip("/"))
        for images in places:
            labels = "/".join("labels" if part == "images" else part for part in images.split("/"))
            if (root / images).is_dir() and labels != images and (root / labels).is_dir():
                yield Found("YOLO", split, {"format": "yolo", "images": images, "annotations": labels})
                break
    if not any((root / "images" / word).is_dir() for words in SPLITS.values() for word in words) and all(
        (root / name).is_dir() for name in ("images", "labels")
    ):
        yield Found("YOLO", "train", {"format": "yolo", "images": "images", "annotations": "labels"})


def _voc(root: Path) -> Iterator[Found]:
    for home in [root, *sorted(root.glob("VOC*")), *sorted(root.glob("VOCdevkit/VOC*"))]:
        if not ((home / "Annotations").is_dir() and (home / "JPEGImages").is_dir()):
            continue
        below = "" if home == root else f"{home.relative_to(root).as_posix()}/"
        own = {"format": "voc", "images": f"{below}JPEGImages", "annotations": f"{below}Annotations"}
        lists = {path.stem: path for path in sorted((home / "ImageSets" / "Main").glob("*.txt"))}
        usual = ("train", "val", "test") if "train" in lists else ("trainval", "test")
        for name in usual:
            if name in lists:
                listed = lists[name].relative_to(root).as_posix()
                yield Found("PASCAL VOC", split_of(name), own | {"listed": listed})
        if not any(name in lists for name in usual):
            yield Found("PASCAL VOC", "train", own)
        return


def _pairs(root: Path) -> Iterator[Found]:
    """XML in a folder of its own, or beside the images."""
    for base, split in [(root, "train"), *((root / w, s) for s, words in SPLITS.items() for w in words)]:
        for name in (
            "annotations/xmls",
            "annotations",
            "annots",
            "Annotations",
            "xmls",
            "labels",
            "xml",
            ".",
        ):
            folder = base / name
            if folder.is_dir() and any(folder.glob("*.xml")):
                below = "" if base == root else f"{base.name}/"
                images = next((i for i in ("images", "JPEGImages", "img") if (base / i).is_dir()), "")
                own = {"format": "voc", "images": f"{below}{images}".rstrip("/")}
                yield Found(
                    "pairs of images and XML",
                    split,
                    own | {"annotations": f"{below}{name}".rstrip("/.") or "."},
                )
                break


def _folder(root: Path) -> Iterator[Found]:
    for n, path in enumerate(root.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            yield Found("images alone", "train", {"format": "folder"})
            return
        if n > LOOKED_AT:
            return
