"""What parts are called, and what is in the way of finding them: nothing of it is passed over."""

import shutil
from pathlib import Path

import pytest
import yaml

from sdetr.data.own.detect import detect
from sdetr.data.own.diagnosis import diagnose_parts
from sdetr.data.own.files import is_fork
from sdetr.data.own.found import SPLITS, split_of
from sdetr.data.own.holding_out import side
from sdetr.data.own.raw import RawImage, RawObject, RawSet
from sdetr.data.own.settings import OwnSettings
from tests.data.own.tiny import COUNT, coco, judged, picture, voc

SPOKEN = {
    "instances_val2017": "val",
    "instances_train2017": "train",
    "test-dev2017": "test",
    "trainval": "train",
    "train_val": "train",
    "VOC2007_trainval": "train",
    "ValImages": "val",
    "TRAIN": "train",
    "valid": "val",
    **dict.fromkeys(
        ("contest", "latest", "device", "constrained", "invalid", "interval", "cells", "attestation"), ""
    ),
}


@pytest.mark.parametrize("name", SPOKEN)
def test_a_part_is_told_by_whole_words(name: str) -> None:
    assert split_of(name) == SPOKEN[name]


@pytest.mark.parametrize(
    ("split", "word"), [(split, word) for split, some in SPLITS.items() for word in some]
)
def test_every_word_is_one_in_every_writing(split: str, word: str) -> None:
    for name in (word, word.upper(), f"my_{word}_2020", f"{word}2017", f"a-{word}.v2"):
        assert split_of(name) == split
    assert split_of(f"x{word}x") == ""


def several(root: Path, *names: str) -> None:
    coco(root)
    (root / "annotations").mkdir()
    for name in names:
        shutil.copy(root / "train.json", root / "annotations" / f"{name}.json")
    (root / "train.json").unlink()


def test_two_files_of_one_part_are_refused_by_their_names(tmp_path: Path) -> None:
    several(tmp_path, "instances_train2014", "instances_train2017")
    with pytest.raises(
        ValueError, match=r"instances_train2014\.json and .*_train2017\.json are both part train"
    ):
        detect(tmp_path)


def test_parts_are_called_as_files_can_be(tmp_path: Path) -> None:
    several(tmp_path, "Cells 2020", "train")
    assert [one.split for one in detect(tmp_path)] == ["train", "cells-2020"]
    (tmp_path / "annotations/Cells 2020.json").rename(tmp_path / "annotations/細胞.json")
    with pytest.raises(ValueError, match="'細胞' is no name of a part"):
        detect(tmp_path)


def test_what_has_training_and_validation_together_is_training_unless_they_are_apart(tmp_path: Path) -> None:
    several(tmp_path / "a", "instances_trainval", "instances_test")
    assert [one.split for one in detect(tmp_path / "a")] == ["train", "test"]
    several(tmp_path / "b", "instances_trainval", "instances_train", "instances_val")
    places = [str(one.own["annotations"]) for one in detect(tmp_path / "b")]
    assert places == ["annotations/instances_train.json", "annotations/instances_val.json"]


def year(root: Path, name: str, **lists: str) -> Path:
    voc(root / name)
    (root / name / "images").rename(root / name / "JPEGImages")
    (root / name / "annotations").rename(root / name / "Annotations")
    (root / name / "ImageSets/Main").mkdir(parents=True)
    for one, stems in lists.items():
        (root / name / f"ImageSets/Main/{one}.txt").write_text(stems)
    return root / name


def test_lists_of_voc_and_years_that_are_left_out(tmp_path: Path) -> None:
    year(tmp_path / "VOCdevkit", "VOC2007", trainval="0\n1\n2\n", test="3\n")
    found = detect(tmp_path)
    assert [(one.layout, one.split) for one in found] == [("PASCAL VOC", "train"), ("PASCAL VOC", "test")]
    year(tmp_path / "VOCdevkit", "VOC2012", trainval="0\n", val="1\n", train="2\n")
    left_out = "PASCAL VOC of VOC2007 alone, without VOCdevkit/VOC2012 (add each by itself)"
    assert {one.layout for one in detect(tmp_path)} == {left_out}
    assert [one.split for one in detect(tmp_path / "VOCdevkit/VOC2012")] == ["train", "val"]


LINES = ["{}", "{}.jpg", "JPEGImages/{}.jpg"]
OF_A_WORD = [*LINES, "{} 1", "{}  -1"]


@pytest.mark.parametrize(
    ("name", "line"),
    [(name, line) for name in ("site.0", "0", "x.jpg.y") for line in OF_A_WORD]
    + [(name, line) for name in ("site 0", "a.b 1") for line in LINES],
)
def test_names_in_lists_may_have_dots_and_blanks(tmp_path: Path, name: str, line: str) -> None:
    root = year(tmp_path, "VOC", train=line.format(name) + "\n1\n")
    for folder, suffix in (("JPEGImages", ".jpg"), ("Annotations", ".xml")):
        path = root / folder / f"0{suffix}"
        path.rename(path.with_name(f"{name}{suffix}"))
    own = {"images": "JPEGImages", "annotations": "Annotations", "listed": "ImageSets/Main/train.txt"}
    part, found = judged(root, OwnSettings.model_validate({"format": "voc", **own}))
    assert "D12" not in found
    assert [row.file for row in part.index.images] == [f"JPEGImages/{name}.jpg", "JPEGImages/1.jpg"]


@pytest.mark.parametrize(("suffix", "said"), [(".txt", "images/ and labels/"), (".xml", "JPEGImages/")])
def test_labels_of_no_known_layout_are_not_passed_over(tmp_path: Path, suffix: str, said: str) -> None:
    for n in range(COUNT):
        picture(tmp_path / f"pics/{n}.jpg", seed=n)
        (tmp_path / "boxes").mkdir(exist_ok=True)
        (tmp_path / f"boxes/{n}{suffix}").write_text("0 0.5 0.5 0.2 0.2\n")
    with pytest.raises(ValueError, match=f"looks like labels of .* expected .*{said}"):
        detect(tmp_path)
    if suffix == ".txt":
        for n in range(COUNT):
            (tmp_path / f"boxes/{n}.txt").write_text("a cat on a sofa")
        assert [one.layout for one in detect(tmp_path)] == ["images alone"]


def yolo(root: Path, lines: str, **said: object) -> None:
    for n in range(COUNT):
        picture(root / f"train/images/{n}.jpg", seed=n)
        (root / "train/labels").mkdir(exist_ok=True)
        (root / f"train/labels/{n}.txt").write_text(lines)
    (root / "data.yaml").write_text(yaml.safe_dump({"names": ["cat"], "train": "train/images", **said}))


@pytest.mark.parametrize("shape", [[5, 2], [6, 2], [17, 3], [1, 2], [4, 3]])
def test_boxes_of_poses_are_their_first_four_numbers(tmp_path: Path, shape: list[int]) -> None:
    points = " ".join(["0.01"] * (shape[0] * shape[1]))
    yolo(tmp_path, f"0 0.5 0.5 0.25 0.5 {points}\n", kpt_shape=shape)
    own = {"format": "yolo", "images": "train/images", "annotations": "train/labels"}
    part, found = judged(tmp_path, OwnSettings.model_validate(own))
    assert not found and {one.box_xywh_px for one in part.index.annotations} == {(22.5, 10.0, 15.0, 20.0)}


@pytest.mark.parametrize("told", ["../../x/images", "/nowhere/images/train", "/etc"])
def test_images_that_data_yaml_has_elsewhere_are_refused(tmp_path: Path, told: str) -> None:
    root = tmp_path / "a/b"
    yolo(root, "0 0.5 0.5 0.25 0.5\n", train="train/images", val=told)
    shutil.copytree(root / "train", tmp_path / "x")
    with pytest.raises(ValueError, match=r"data\.yaml: val: .* lies outside .*; give the folder"):
        detect(root)


@pytest.mark.parametrize("told", ["../train/images", "./train/images/", "{root}/train/images", "images"])
def test_images_that_data_yaml_has_below_the_root_are_found(tmp_path: Path, told: str) -> None:
    path = "train" if told == "images" else "../datasets/mine"
    yolo(tmp_path, "0 0.5 0.5 0.25 0.5\n", train=told.format(root=tmp_path), path=path)
    assert detect(tmp_path)[0].own["images"] == "train/images"


def test_images_that_data_yaml_names_in_vain_are_no_images_alone(tmp_path: Path) -> None:
    yolo(tmp_path, "0 0.5 0.5 0.25 0.5\n", train="pictures")
    (tmp_path / "train").rename(tmp_path / "other")
    with pytest.raises(ValueError, match=r"data\.yaml: train: pictures is no folder below"):
        detect(tmp_path)


def test_labels_that_are_no_text_are_told_with_their_file(tmp_path: Path) -> None:
    yolo(tmp_path, "0 0.5 0.5 0.25 0.5\n")
    (tmp_path / "train/labels/2.txt").write_bytes(b"\x00\xa3\xff")
    own = {"format": "yolo", "images": "train/images", "annotations": "train/labels"}
    _, found = judged(tmp_path, OwnSettings.model_validate(own))
    assert "train/labels/2.txt: byte 1 no UTF-8" in str(found["D25"])


def test_what_macos_adds_is_known_by_its_name() -> None:
    assert is_fork(Path("a/._0.txt")) and is_fork(Path("__MACOSX/a/0.jpg"))
    assert not any(map(is_fork, (Path("a/0._.txt"), Path(".0.jpg"), Path("_.jpg"))))


@pytest.mark.parametrize("pictures", [2, 5, 10, 40])
@pytest.mark.parametrize("copies", [1, 2])
def test_the_last_picture_of_a_class_stays_in_training(pictures: int, copies: int) -> None:
    """Whichever picture it is: else our own hold-out would make a class that training lacks."""
    names = [f"{n}_jpg.rf.{copy}0123abcd.jpg" for n in range(pictures) for copy in range(copies)]
    images = [RawImage(name) for name in names]
    for rare in range(pictures):
        labels = ["once" if n // copies == rare else "often" for n in range(len(images))]
        boxes = [RawObject(n, label, [1, 1, 4, 4], "") for n, label in enumerate(labels)]
        raw = RawSet(Path(), "xywh", images, boxes)
        train, held = (side(raw, 0.2, which) for which in (False, True))
        assert {one.label for one in train.objects} == {one.label for one in boxes}
        assert len(train.images) + len(held.images) == len(images)
        assert len(held.images) == (copies * max(1, round(pictures / 5)) if pictures > 2 else 0)


def test_what_our_own_hold_out_makes_can_be_used(tmp_path: Path) -> None:
    coco(tmp_path)
    for rare in range(COUNT):
        boxes = [
            {"id": n + 1, "image_id": n + 1, "category_id": 1 + (n == rare), "bbox": [5, 4, 20, 30]}
            for n in range(COUNT)
        ]
        coco(tmp_path, annotations=boxes)
        of = {one.split: (tmp_path, OwnSettings.model_validate(one.own)) for one in detect(tmp_path)}
        read = diagnose_parts("x", of)
        assert not read.findings.errors and read.classes == ["cat", "dog"]
