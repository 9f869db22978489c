"""Which layout a folder has: what `sdetr data add` writes into a data set's file."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from sdetr.data.own.detect_xml import pairs, voc
from sdetr.data.own.detect_yolo import beside, yolo
from sdetr.data.own.files import is_fork
from sdetr.data.own.found import SPLITS, Found, as_parts, is_both, split_of
from sdetr.data.own.yolo_names import is_label
from sdetr.data.readers.folder import SUFFIXES

HELD_OUT = 0.2
LOOKED_AT = 5000
"""Files below a folder that are looked at until one of a kind is found."""


def detect(root: Path) -> list[Found]:
    """The parts of the data set in a folder, training first.

    Raises FileNotFoundError for no folder, ValueError naming what is there if it is no layout that is known,
    and what is in the way if two parts would have one name.
    """
    if not root.is_dir():
        what = "is a file; unpack it and give the folder" if root.exists() else "does not exist"
        raise FileNotFoundError(f"{root} {what}")
    for looks_like in (_roboflow, _coco, _imagefolder, yolo, voc, pairs, beside, _folder):
        if found := as_parts(list(looks_like(root))):
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
    files = [path for path in files if not is_fork(path) and _is_coco(path)]
    said = [path for path in files if path.name.startswith("instances_")] or files
    if any(split_of(path.stem) == "train" and not is_both(path.stem) for path in said):
        said = [path for path in said if not is_both(path.stem)]
    for path in said:
        split = split_of(path.stem) or ("train" if len(said) == 1 else path.stem)
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
    names = [name, *SPLITS.get(split_of(name), ())]
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


def _folder(root: Path) -> Iterator[Found]:
    """Raises ValueError for files that are named as the images are, and look like their labels."""
    images: dict[str, Path] = {}
    texts: dict[str, Path] = {}
    for path in islice(root.rglob("*"), LOOKED_AT):
        if path.suffix.lower() in SUFFIXES and not is_fork(path):
            images[path.stem] = path
        elif path.suffix.lower() in EXPECTED and not is_fork(path):
            texts[path.stem] = path
    for stem in sorted(texts.keys() & images.keys()):
        text, expected = texts[stem], EXPECTED[texts[stem].suffix.lower()]
        if text.suffix.lower() == ".xml" or is_label(text):
            raise ValueError(
                f"{text.relative_to(root)} looks like labels of {images[stem].relative_to(root)}, but lies "
                f"as in no layout that is known: expected {expected}; for images alone, give a folder that "
                "has no labels"
            )
    if images:
        yield Found("images alone", "train", {"format": "folder"})


EXPECTED = {
    ".txt": "folders images/ and labels/ of one inner order, or data.yaml, or each text beside its image",
    ".xml": "folders Annotations/ and JPEGImages/, or annotations/ and images/, or each XML beside its image",
}
"""Suffix of labels → how they would have to lie."""
