"""Layouts that people have: each is found, and reads to the same boxes."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from sdetr.data.own.detect import detect
from sdetr.data.own.diagnosis import diagnose_parts
from sdetr.data.own.found import Found
from sdetr.data.own.holding_out import side
from sdetr.data.own.raw import RawImage, RawSet
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


def yolo_by_split(root: Path) -> None:
    """train/images and train/labels, without data.yaml."""
    yolo(root)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (root / split).mkdir(exist_ok=True)
            (root / kind / split).rename(root / split / kind)
    for name in ("images", "labels"):
        (root / name).rmdir()
    (root / "data.yaml").rename(root / "notes.md")
    (root / "classes.txt").write_text("cat\ndog\n")


def darknet(root: Path) -> None:
    """Each text beside its image, and texts that are no labels."""
    yolo(root)
    together = root / "obj_train_data"
    for path in [*(root / "images/train").iterdir(), *(root / "labels/train").iterdir()]:
        together.mkdir(exist_ok=True)
        path.rename(together / path.name)
    for name in ("images", "labels"):
        shutil.rmtree(root / name)
    (root / "data.yaml").unlink()
    (root / "obj.names").write_text("cat\ndog\n")
    (together / "README.txt").write_text("made by hand")


def labelimg(root: Path) -> None:
    """Beside the images of each part, in a folder of the part; names in one of them."""
    yolo(root)
    for split in ("train", "val"):
        (root / "images" / split).rename(root / split)
        for path in (root / "labels" / split).iterdir():
            path.rename(root / split / path.name)
        (root / split / "classes.txt").write_text("cat\ndog\n")
    shutil.rmtree(root / "labels")
    (root / "data.yaml").unlink()


def forked(root: Path) -> None:
    """An archive of macOS, unpacked elsewhere."""
    yolo(root)
    for path in [*root.rglob("*.jpg"), *root.rglob("*.txt"), root / "data.yaml"]:
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07\xa3 Mac OS X")
    (root / "__MACOSX/images/train").mkdir(parents=True)
    shutil.copy(root / "images/train/._0.jpg", root / "__MACOSX/images/train/._0.jpg")


BOTH = ["train", "val"]
LAYOUTS = {
    plain_coco: ("COCO", BOTH, COUNT),
    cvat: ("COCO", BOTH, COUNT),
    roboflow: ("Roboflow's COCO", BOTH, 2 * COUNT),
    yolo: ("YOLO", BOTH, 2 * COUNT),
    yolo_by_split: ("YOLO", BOTH, 2 * COUNT),
    forked: ("YOLO", BOTH, 2 * COUNT),
    darknet: ("YOLO, each text beside its image", BOTH, COUNT),
    labelimg: ("YOLO, each text beside its image", BOTH, 2 * COUNT),
    imagefolder: ("Hugging Face's imagefolder", BOTH, COUNT),
    in_lists: ("PASCAL VOC", BOTH, COUNT),
    pairs: ("pairs of images and XML", BOTH, COUNT),
    beside: ("pairs of images and XML", BOTH, COUNT),
    folder: ("images alone", ["train"], COUNT),
}
"""Makes one → what it is called, its parts, and how many images they have together."""
OF_CATS_ALONE = (in_lists, pairs, beside, folder)


def parts(found: list[Found], root: Path) -> dict[str, tuple[Path, OwnSettings]]:
    return {one.split: (root, OwnSettings.model_validate(one.own)) for one in found}


@pytest.mark.parametrize("make", LAYOUTS)
def test_a_layout_is_found_with_its_parts_and_read(tmp_path: Path, make) -> None:
    """Where the tool made one part, some images are held out; of `roboflow` the second is a copy."""
    layout, splits, images = LAYOUTS[make]
    make(tmp_path)
    found = detect(tmp_path)
    assert ([one.layout for one in found], [one.split for one in found]) == ([layout] * len(found), splits)
    read = diagnose_parts("x", parts(found, tmp_path))
    assert not read.findings.errors
    assert sum(len(part.index.images) for part in read.parts.values()) == images
    if make not in OF_CATS_ALONE:
        assert read.classes == ["cat", "dog"]
        for part in read.parts.values():
            boxes = [row.box_xywh_px for row in part.index.annotations]
            assert boxes == [pytest.approx(box) for box in BOXES * len(part.index.images)]


def test_a_fifth_is_held_out_the_same_every_time_and_copies_stay_together() -> None:
    names = [f"{n}_jpg.rf.{copy}.jpg" for n in range(1000) for copy in ("0123abcd", "4567cdef")]
    raw = RawSet(Path(), "xywh", [RawImage(name) for name in names])
    train, held = ([image.file for image in side(raw, 0.2, which).images] for which in (False, True))
    assert sorted([*train, *held]) == sorted(names) and len(held) == 400
    assert not {name.split("_")[0] for name in train} & {name.split("_")[0] for name in held}
    turned = RawSet(Path(), "xywh", raw.images[::-1])
    assert [image.file for image in side(turned, 0.2, True).images] == held[::-1]
    fewer = RawSet(Path(), "xywh", raw.images[:1800])
    moved = {image.file for image in side(fewer, 0.2, True).images} ^ {n for n in held if n in names[:1800]}
    assert len(moved) < 40


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
