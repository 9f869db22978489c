"""Layouts that people have: each is found, and reads to the same boxes."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from sdetr.data.own.detect import Found, detect
from sdetr.data.own.diagnosis import diagnose_parts
from sdetr.data.own.settings import OwnSettings
from tests.data.own.tiny import COUNT, annotations, coco, folder, picture, voc, write

BOXES = [(5.0, 4.0, 20.0, 30.0), (10.0, 4.0, 20.0, 30.0)]
"""Of cat and dog, in every image of `coco`."""


def plain_coco(root: Path) -> None:
    coco(root)
    (root / "annotations").mkdir()
    (root / "train.json").rename(root / "annotations/instances_train2017.json")
    (root / "images").rename(root / "train2017")


def cvat(root: Path) -> None:
    coco(root)
    (root / "annotations").mkdir()
    (root / "train.json").rename(root / "annotations/instances_default.json")
    (root / "images").rename(root / "default")
    (root / "images").mkdir()
    (root / "default").rename(root / "images/default")


def roboflow(root: Path) -> None:
    coco(root / "train")
    for path in (root / "train/images").iterdir():
        path.rename(root / "train" / path.name)
    (root / "train/images").rmdir()
    (root / "train/train.json").rename(root / "train/_annotations.coco.json")
    shutil.copytree(root / "train", root / "valid")


def yolo(root: Path) -> None:
    for split in ("train", "val"):
        for n in range(COUNT):
            picture(root / f"images/{split}/{n}.jpg", seed=n)
            text = root / f"labels/{split}/{n}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            boxes = (
                (k, (x + w / 2) / 60, (y + h / 2) / 40, w / 60, h / 40)
                for k, (x, y, w, h) in enumerate(BOXES)
            )
            text.write_text("".join(" ".join(map(str, box)) + "\n" for box in boxes))
    names = {"names": ["cat", "dog"], "train": "images/train", "val": "../images/val"}
    (root / "data.yaml").write_text(yaml.safe_dump(names))


def imagefolder(root: Path) -> None:
    coco(root)
    lines = [
        {
            "file_name": f"{n}.jpg",
            "objects": {"bbox": [list(box) for box in BOXES], "categories": ["cat", "dog"]},
        }
        for n in range(COUNT)
    ]
    (root / "images").rename(root / "train")
    (root / "train/metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (root / "train.json").unlink()


def in_lists(root: Path) -> None:
    voc(root)
    (root / "images").rename(root / "JPEGImages")
    (root / "annotations").rename(root / "Annotations")
    for name, stems in {"train": "0\n1\n", "val": "2 1\n3 -1\n", "cat_train": "0 1\n"}.items():
        path = root / f"ImageSets/Main/{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(stems)


def pairs(root: Path) -> None:
    voc(root)


def beside(root: Path) -> None:
    voc(root)
    for path in [*(root / "images").iterdir(), *(root / "annotations").iterdir()]:
        path.rename(root / path.name)
    (root / "images").rmdir()
    (root / "annotations").rmdir()


LAYOUTS = {
    plain_coco: ("COCO", ["train"], 2 * COUNT),
    cvat: ("COCO", ["train"], 2 * COUNT),
    roboflow: ("Roboflow's COCO", ["train", "val"], 2 * COUNT),
    yolo: ("YOLO", ["train", "val"], 2 * COUNT),
    imagefolder: ("Hugging Face's imagefolder", ["train"], 2 * COUNT),
    in_lists: ("PASCAL VOC", ["train", "val"], 2),
    pairs: ("pairs of images and XML", ["train"], COUNT),
    beside: ("pairs of images and XML", ["train"], COUNT),
    folder: ("images alone", ["train"], 0),
}


def parts(found: list[Found], root: Path) -> dict[str, tuple[Path, OwnSettings]]:
    return {one.split: (root, OwnSettings.model_validate(one.own)) for one in found}


@pytest.mark.parametrize("make", LAYOUTS)
def test_a_layout_is_found_with_its_parts_and_read(tmp_path: Path, make) -> None:
    layout, splits, boxes = LAYOUTS[make]
    make(tmp_path)
    found = detect(tmp_path)
    assert ([one.layout for one in found], [one.split for one in found]) == ([layout] * len(found), splits)
    read = diagnose_parts("x", parts(found, tmp_path))
    train = read.parts["train"].index
    assert len(train.annotations) == boxes and not read.findings.errors
    if boxes == 2 * COUNT:
        assert train.classes == ["cat", "dog"]
        assert [row.box_xywh_px for row in train.annotations] == [pytest.approx(box) for box in BOXES * COUNT]


def test_one_folder_of_images_for_two_files_gives_each_its_own(tmp_path: Path) -> None:
    """Images of the other file are not unlabelled ones of this."""
    coco(tmp_path)
    content = json.loads((tmp_path / "train.json").read_text())
    for split, keep in (("train", {1, 2, 3}), ("val", {4})):
        images = [row for row in content["images"] if row["id"] in keep]
        rows = [row for row in annotations(tmp_path) if row["image_id"] in keep]
        write(tmp_path / f"{split}_of_it.json", content | {"images": images, "annotations": rows})
    (tmp_path / "train.json").unlink()
    read = diagnose_parts("x", parts(detect(tmp_path), tmp_path))
    assert {split: len(part.index.images) for split, part in read.parts.items()} == {"train": 3, "val": 1}


def test_what_is_no_layout_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(ValueError, match=r"holds notes\.md: no layout that is known"):
        detect(tmp_path)
    with pytest.raises(FileNotFoundError, match="is a file; unpack it"):
        detect(tmp_path / "notes.md")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        detect(tmp_path / "nowhere")
