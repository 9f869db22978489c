"""A digest of somebody's files changes with each of them, and with nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sdetr.data.own.settings import OwnSettings
from sdetr.data.own.source import source_of
from sdetr.data.settings import DatasetSettings

Change = Callable[[Path], object]
FORMATS = {
    "voc": {"images": "pictures", "annotations": "boxes", "listed": "sets/train.txt"},
    "yolo": {"images": "pictures", "annotations": "boxes"},
    "coco": {"images": "pictures", "annotations": "boxes/train.json"},
    "folder": {},
}


def data(root: Path, form: str) -> DatasetSettings:
    said = OwnSettings.model_validate({"format": form} | FORMATS[form])
    return DatasetSettings(layout="own", split="train", roots=(str(root),), own=said)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    texts = {"sets/train.txt": "a\n", "boxes/a.txt": "1", "boxes/a.xml": "1", "boxes/train.json": "1"}
    others = dict.fromkeys(
        ("pictures/deep/a.jpg", "data.yaml", "boxes/val.json", "boxes/b.xml"), "of anybody"
    )
    for name, text in (texts | others).items():
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_text(text)
    return tmp_path / "here"


def written(name: str, text: str) -> Change:
    return lambda root: (root / name).write_text(text)


IMAGE, BROUGHT = written("pictures/deep/a.jpg", "another one"), written("pictures/b.jpg", "one more")


@pytest.mark.parametrize(
    "form, change",
    [
        ("voc", IMAGE),
        ("yolo", IMAGE),
        ("coco", IMAGE),
        ("folder", IMAGE),
        ("yolo", BROUGHT),
        ("coco", BROUGHT),
        ("folder", BROUGHT),
        ("voc", lambda root: (root / "boxes/a.xml").unlink()),
        ("voc", written("boxes/a.xml", "2")),  # as many bytes as before
        ("voc", written("sets/train.txt", "b\n")),
        ("yolo", written("boxes/a.txt", "2")),
        ("yolo", written("data.yaml", "names: [cat]")),
        ("coco", written("boxes/train.json", "2")),
    ],
)
def test_it_changes_with_each_file(root: Path, form: str, change: Change) -> None:
    before = source_of(data(root, form), root)
    change(root)
    assert source_of(data(root, form), root) != before


@pytest.mark.parametrize(
    "form, change",
    [
        ("voc", BROUGHT),  # to another part: the list is as it was
        ("voc", written("boxes/b.xml", "2")),
        ("coco", written("boxes/val.json", "2")),
        ("coco", written("data.yaml", "")),
        ("folder", written("boxes/a.txt", "2")),
        ("yolo", lambda root: os.utime(root / "boxes/a.txt", ns=(1, 1))),
    ],
)
def test_it_does_not_change_with_what_is_of_others_nor_with_the_clock(
    root: Path, form: str, change: Change
) -> None:
    before = source_of(data(root, form), root)
    change(root)
    moved = root.rename(root.with_name("moved"))
    assert source_of(data(moved, form), moved) == before
