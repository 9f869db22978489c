"""Data sets of a few files, in the layouts of the large ones, and settings that look for them."""

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from sdetr.data.settings import DatasetSettings


def voc(folder: Path, split: str, *stems: str) -> Path:
    """The folder of a year."""
    for name in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / f"ImageSets/Main/{split}.txt").write_text("".join(f"{stem}\n" for stem in stems))
    for stem in stems:
        (folder / f"Annotations/{stem}.xml").write_text("<annotation/>")
        (folder / f"JPEGImages/{stem}.jpg").write_bytes(b"picture")
    return folder


def coco(folder: Path, *stems: str) -> Path:
    """The folder that holds annotations/ and train2017/."""
    for name in ("annotations", "train2017"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "annotations/instances_train2017.json").write_text("{}")
    for stem in stems:
        (folder / f"train2017/{stem}.jpg").write_bytes(b"picture")
    return folder


def classes(folder: Path, *names: str) -> Path:
    """A folder with an image in each of some class folders."""
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "1.JPEG").write_bytes(b"picture")
    return folder


VOC07 = {"layout": "voc", "split": "trainval", "classes": ["cat"], "roots": ["VOCdevkit/VOC2007"]}
VOC0712 = VOC07 | {"roots": ["VOCdevkit/VOC2007", "VOCdevkit/VOC2012"]}
COCO = {
    "layout": "coco",
    "split": "train2017",
    "roots": ["."],
    "lists": ["annotations/instances_train2017.json"],
    "images": "train2017",
}
IMAGENET = {
    "layout": "folder",
    "split": "train",
    "roots": ["train"],
    "ask": "register at https://image-net.org",
}


def settings(base: dict[str, Any], **changes: Any) -> DatasetSettings:
    return DatasetSettings.model_validate(base | changes)


def as_tar(folder: Path, top: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        file.add(folder, top)
    return buffer.getvalue()


def as_zip(folder: Path, *tops: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.relative_to(folder).parts[0] in tops:
                file.write(path, path.relative_to(folder))
    return buffer.getvalue()


def snapshot(folder: Path) -> dict[str, object]:
    """Everything below a folder: what it is, its bytes, and when it was written."""
    return {
        path.relative_to(folder).as_posix(): (
            path.is_symlink(),
            path.read_bytes() if path.is_file() else None,
            path.lstat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
    }
