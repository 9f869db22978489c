"""What is wrong with people's data sets, and what is done about it: `pytest -k case_` lists the 38 cases."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sdetr.data.own.findings import Finding
from sdetr.data.own.kinds import ERROR, FIX, NOTE, SKIP, WARN
from tests.data.own import tiny
from tests.data.own.tiny import annotations, changed, coco, folder, judged, picture, voc

Found = dict[str, Finding]
CASES: dict[str, Callable[[Path], None]] = {}


def case(number: int) -> Callable[[Callable[[Path], None]], None]:
    def add(test: Callable[[Path], None]) -> None:
        CASES[f"case_{number}_{test.__name__}"] = test

    return add


def says(found: Found, code: str, severity: str, *words: str, count: int = 1) -> None:
    """The finding is there, so grave, so often, and its line has file, field and value."""
    one = found[code]
    assert (one.severity, one.count) == (severity, count)
    for word in words:
        assert word in str(one), f"{word!r} is not in {one}"
    assert one.kind.cure and str(one).startswith(f"{code} {severity}: ")


@case(1)
def box_without_area(root: Path) -> None:
    part, found = judged(root, changed(root, 0, bbox=[50, 30, 0, 0]))
    says(found, "D01", SKIP, "train.json: annotation 1", "bbox", "[50, 30, 0, 0]")
    assert part.index.funnel["images"] == 4 and part.index.funnel["boxes"] == 7


@case(2)
def corners_the_wrong_way_round(root: Path) -> None:
    settings = changed(root, 0, bbox=[50, 30, -20, -10])
    part, found = judged(root, settings)
    says(found, "D02", SKIP, "train.json: annotation 1", "[50, 30, -20, -10]")
    assert part.index.funnel["boxes"] == 7
    _, found = judged(root, settings.model_copy(update={"strict": True}))
    says(found, "D02", ERROR)


@case(3)
def partly_outside(root: Path) -> None:
    part, found = judged(root, changed(root, 0, bbox=[50, 30, 20, 30]))
    says(found, "D03", FIX, "annotation 1", "[50, 30, 20, 30]")
    assert part.index.annotations[0].box_xywh_px == (50, 30, 10, 10)


@case(4)
def corners_in_a_field_for_sizes(root: Path) -> None:
    coco(root)
    rows = [row | {"bbox": [30, 20, 55, 38]} for row in annotations(root)]
    _, found = judged(root, coco(root, annotations=rows))
    says(found, "D04", ERROR, "train.json", "100% fit if read as xyxy")


@case(5)
def fractions_in_a_format_of_pixels(root: Path) -> None:
    coco(root)
    rows = [row | {"bbox": [0.2, 0.2, 0.5, 0.5]} for row in annotations(root)]
    _, found = judged(root, coco(root, annotations=rows))
    says(found, "D05", ERROR, "100% lie between 0 and 1: fractions, not pixels?")


@case(6)
def no_four_numbers(root: Path) -> None:
    for bad in ([1, 2, 3], None, ["1", 2, 3, 4], [float("nan"), 1, 2, 3], [1, 2, float("inf"), 3], "box"):
        _, found = judged(root, changed(root, 0, bbox=bad))
        says(found, "D06", ERROR, "train.json: annotation 1", "bbox", repr(bad))


@case(7)
def counted_from_one_or_not(root: Path) -> None:
    settings = voc(root, x0=0)
    part, found = judged(root, settings)
    assert "D07" not in found and part.index.annotations[0].box_xywh_px == (0, 4, 25, 30)
    part, found = judged(root, settings.model_copy(update={"one_based": True}))
    says(found, "D07", WARN, "annotations/0.xml", "object 1", "'0'")
    assert part.index.annotations[1].box_xywh_px == (4, 3, 21, 31)


@case(8)
def corners_between_pixels(root: Path) -> None:
    part, found = judged(root, voc(root, x0=4.25))
    says(found, "D08", NOTE, "annotations/0.xml", "4.25")
    assert part.index.annotations[0].box_xywh_px == (4.25, 4, 20.75, 30)


@case(9)
def a_size_that_is_not_the_files(root: Path) -> None:
    part, found = judged(root, voc(root, w=0, h=0))
    says(found, "D09", FIX, "annotations/0.xml", "0x0, the image has 40x60 (HxW)")
    assert part.index.images[0][2:4] == (40, 60)


@case(10)
def a_size_before_exif_turns_it(root: Path) -> None:
    settings = voc(root)
    _turned(root / "images/0.jpg", 6)
    part, found = judged(root, settings)
    says(found, "D10", FIX, "annotations/0.xml", "40x60, the image has 60x40 (HxW)")
    assert part.index.images[0][2:4] == (60, 40)


@case(11)
def another_name_than_the_files(root: Path) -> None:
    part, found = judged(root, voc(root, name="0"))
    says(found, "D11", FIX, "annotations/0.xml", "filename", "'0' is 'images/0.jpg'")
    assert part.index.funnel["images"] == 4


@case(12)
def an_image_that_is_missing(root: Path) -> None:
    settings = voc(root)
    (root / "images/0.jpg").unlink()
    part, found = judged(root, settings)
    says(found, "D12", SKIP, "annotations/0.xml", "0.jpg")
    says(found, "D41", ERROR, "1 of 4")  # more than one in twenty
    part, found = judged(root, settings.model_copy(update={"most_left_out": 0.5}))
    assert "D41" not in found and part.index.funnel["images"] == 3


@case(13)
def an_image_without_annotation(root: Path) -> None:
    settings = voc(root)
    (root / "annotations/0.xml").unlink()
    part, found = judged(root, settings)
    says(found, "D13", NOTE, "images/0.jpg", "as an image without objects")
    assert part.index.funnel["images"] == 4
    part, found = judged(root, settings.model_copy(update={"unlabelled": "skip"}))
    says(found, "D13", NOTE, "left out")
    assert part.index.funnel["images"] == 3


@case(14)
def two_images_of_one_stem(root: Path) -> None:
    settings = voc(root)
    picture(root / "images/a/0.png")
    _, found = judged(root, settings)
    says(found, "D14", ERROR, "images/0.jpg", "stem", "'0', also images/a/0.png")
    settings = coco(root / "coco")
    for name in ("a", "b"):
        picture(root / f"coco/images/{name}/3.jpg", seed=ord(name))
    (root / "coco/images/3.jpg").unlink()
    says(judged(root / "coco", settings)[1], "D14", ERROR, "image 4", "'3.jpg' may be any of images/a/3.jpg,")


@case(15)
def ids_with_gaps(root: Path) -> None:
    categories = [{"id": 90, "name": "dog"}, {"id": 7, "name": "cat"}]
    coco(root)
    rows = [row | {"category_id": {1: 7, 2: 90}[row["category_id"]]} for row in annotations(root)]
    part, found = judged(root, coco(root, categories=categories, annotations=rows))
    says(found, "D15", NOTE, "train.json", "7 to 90 for 2 categories")
    assert part.index.classes == ["cat", "dog"] and part.index.source_ids == (7, 90)


@case(16)
def a_category_or_an_image_that_is_not_listed(root: Path) -> None:
    _, found = judged(root, changed(root, 0, category_id=9))
    says(found, "D16", ERROR, "train.json", "annotation 1, category_id", "9")
    _, found = judged(root, changed(root, 0, image_id=99))
    says(found, "D16", ERROR, "train.json", "annotation 1, image_id", "99")


@case(17)
def two_categories_of_one_name(root: Path) -> None:
    settings = coco(root, categories=[{"id": 1, "name": "cat"}, {"id": 2, "name": "cat"}])
    _, found = judged(root, settings)
    says(found, "D17", ERROR, "'cat' has the ids 1, 2", "merge")
    part, found = judged(root, settings.model_copy(update={"merge": {"cat": "cat"}}))
    assert "D17" not in found and part.index.classes == ["cat"] and part.index.funnel["boxes"] == 8


@case(18)
def a_category_above_the_others(root: Path) -> None:
    categories = [
        {"id": 0, "name": "pets", "supercategory": "none"},
        {"id": 1, "name": "cat", "supercategory": "pets"},
        {"id": 2, "name": "dog", "supercategory": "pets"},
    ]
    part, found = judged(root, coco(root, categories=categories))
    says(found, "D18", NOTE, "pets", "boxes 0")
    assert part.index.classes == ["cat", "dog"]


@case(19)
def a_class_that_validation_lacks(root: Path) -> None:
    train, val = coco(root / "train"), coco(root / "val")
    rows = [row for row in annotations(root / "val") if row["category_id"] == 1]
    coco(root / "val", annotations=rows)
    _renamed(root / "val")
    _, found = tiny.judged_together({"train": (root / "train", train), "val": (root / "val", val)})
    says(found, "D19", WARN, "val", "'dog' has 0, training has 4")


@case(20)
def a_class_that_training_lacks(root: Path) -> None:
    train, val = coco(root / "train"), coco(root / "val")
    rows = [row for row in annotations(root / "train") if row["category_id"] == 1]
    coco(root / "train", annotations=rows)
    _renamed(root / "val")
    both = {"train": (root / "train", train), "val": (root / "val", val)}
    _, found = tiny.judged_together(both)
    says(found, "D20", ERROR, "train.json: annotation 2", "class 'dog'", count=4)
    allowed = {name: (at, one.model_copy(update={"drop": ("dog",)})) for name, (at, one) in both.items()}
    _, found = tiny.judged_together(allowed)
    assert "D20" not in found


@case(21)
def ids_that_are_there_twice(root: Path) -> None:
    _, found = judged(root, changed(root, 0, id=2))
    says(found, "D21", ERROR, "train.json", "annotation id", "2, 2 times")
    part, found = judged(root, changed(root, 0, id=0))
    says(found, "D40", FIX, "annotation 0")
    part.index.save(root / "index.json")
    assert json.loads((root / "index.json").read_text())["annotations"][0]["id"] == 1


@case(22)
def boxes_that_are_there_twice(root: Path) -> None:
    coco(root)
    rows = annotations(root)
    part, found = judged(root, coco(root, annotations=[*rows, rows[0] | {"id": 99}]))
    says(found, "D22", FIX, "annotation 99", "[5, 4, 20, 30]")
    assert part.index.funnel["boxes"] == 8


@case(23)
def crowds_and_difficult_objects(root: Path) -> None:
    part, found = judged(root / "a", changed(root / "a", 0, iscrowd=1))
    says(found, "D23", NOTE, "annotation 1", "crowd")
    assert part.index.funnel["crowd"] == 1
    part, found = judged(root / "b", voc(root / "b", difficult=1))
    says(found, "D23", NOTE, "annotations/0.xml", "difficult")
    assert part.index.funnel["difficult"] == 1


@case(24)
def what_tools_leave_out(root: Path) -> None:
    part, found = judged(root, changed(root, 0, area=..., iscrowd=...))
    says(found, "D24", FIX, "annotation 1", "no area and iscrowd")
    assert part.index.annotations[0].area == 600 and not part.index.annotations[0].crowd


@case(25)
def files_that_cannot_be_parsed(root: Path) -> None:
    settings, path = coco(root), root / "train.json"
    whole = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + whole)  # a byte order mark
    assert "D25" not in judged(root, settings)[1]
    for content, said in (
        (b"", "the file is empty"),
        (whole[:200], "byte"),
        (b"[]", "no such list"),
        (b'{"images": \xff}', "no UTF-8"),
    ):
        path.write_bytes(content)
        says(judged(root, settings)[1], "D25", ERROR, "train.json", said)


@case(26)
def xml_that_expands(root: Path) -> None:
    settings = voc(root)
    bomb = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><annotation>&c;</annotation>'
    (root / "annotations/0.xml").write_text(bomb)
    says(judged(root, settings)[1], "D26", ERROR, "annotations/0.xml", "document type")


@case(27)
def one_picture_in_two_parts(root: Path) -> None:
    train, val = coco(root / "train"), coco(root / "val")
    _renamed(root / "val")
    (root / "val/images/0.jpg").write_bytes((root / "train/images/1.jpg").read_bytes())
    both = {"train": (root / "train", train), "val": (root / "val", val)}
    says(tiny.judged_together(both)[1], "D27", WARN, "val: images/0.jpg", "train: images/1.jpg")
    strict = {name: (at, one.model_copy(update={"strict": True})) for name, (at, one) in both.items()}
    says(tiny.judged_together(strict)[1], "D27", ERROR)
    for part, copy in (("train", "0123456789abcdef"), ("val", "fedcba9876543210")):
        one = root / part / "images/3.jpg"
        one.rename(one.with_name(f"x_jpg.rf.{copy}.jpg"))
        content = json.loads((root / part / "train.json").read_text())
        content["images"][3]["file_name"] = f"x_jpg.rf.{copy}.jpg"
        tiny.write(root / part / "train.json", content)
    says(tiny.judged_together(both)[1], "D27", WARN, count=2)


@case(28)
def names_that_differ_by_case(root: Path) -> None:
    settings = coco(root, categories=[{"id": 1, "name": "Cat"}, {"id": 2, "name": "cat "}])
    _, found = judged(root, settings)
    says(found, "D28", WARN, "'cat ' and 'Cat'", 'merge: {"cat ": "Cat"}')
    said = yaml.safe_load(found["D28"].places[0].value.split("; ")[1])  # what is advised, as a file has it
    part, found = judged(root, settings.model_copy(update=said))
    assert "D28" not in found and part.index.classes == ["Cat"] and part.index.funnel["boxes"] == 8


@case(29)
def an_image_that_is_cut_off(root: Path) -> None:
    settings = folder(root)
    whole = (root / "0.jpg").read_bytes()
    (root / "0.jpg").write_bytes(whole[: len(whole) // 2])
    part, found = judged(root, settings)
    says(found, "D29", SKIP, "0.jpg", "truncated")
    assert part.index.funnel["images"] == 3
    part, found = judged(root, settings.model_copy(update={"allow_truncated": True}))
    assert "D29" not in found and part.index.funnel["images"] == 4


@case(30)
def files_that_are_no_images(root: Path) -> None:
    settings = folder(root)
    for content, said in (
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><p>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "run `git lfs pull`"),
    ):
        (root / "0.jpg").write_bytes(content)
        says(judged(root, settings)[1], "D30", ERROR, "0.jpg", said)


@case(31)
def content_of_another_format(root: Path) -> None:
    settings = folder(root)
    picture(root / "0.png")
    (root / "0.png").rename(root / "0.JPG")
    part, found = judged(root, settings)
    says(found, "D31", NOTE, "0.JPG", "PNG, not JPEG")
    assert part.index.funnel["images"] == 5


@case(32)
def all_ways_that_exif_turns(root: Path) -> None:
    settings = folder(root)
    for turn in range(2, 9):
        picture(root / f"turn{turn}.jpg")
        _turned(root / f"turn{turn}.jpg", turn)
    part, found = judged(root, settings)
    says(found, "D32", NOTE, "turn2.jpg", "orientation 2", count=7)
    sizes = {row.file: (row.height, row.width) for row in part.index.images}
    assert [sizes[f"turn{turn}.jpg"] for turn in range(2, 9)] == [(40, 60)] * 3 + [(60, 40)] * 4


@case(33)
def exif_that_makes_no_sense(root: Path) -> None:
    settings = folder(root)
    _turned(root / "0.jpg", 65537 % 65536 + 40)
    part, found = judged(root, settings)
    says(found, "D33", NOTE, "0.jpg")
    assert part.index.images[0][2:4] == (40, 60)


@case(34)
def colours_of_all_kinds(root: Path) -> None:
    settings = folder(root)
    for mode, suffix in (
        ("L", "png"),
        ("1", "png"),
        ("P", "png"),
        ("RGBA", "png"),
        ("CMYK", "jpg"),
        ("I;16", "png"),
    ):
        grey = np.full((40, 60), 40_000, np.uint16)
        image = Image.fromarray(grey) if mode == "I;16" else Image.new("RGB", (60, 40), "red").convert(mode)
        image.save(root / f"mode{mode[0]}{len(mode)}.{suffix}")
    part, found = judged(root, settings)
    says(found, "D34", NOTE, "mode", count=6)
    assert part.index.funnel["images"] == 10


@case(35)
def sizes_that_teach_little(root: Path) -> None:
    settings = folder(root)
    picture(root / "tiny.png", size=(8, 8))
    picture(root / "thin.png", size=(20, 800))
    part, found = judged(root, settings)
    says(found, "D35", WARN, "thin.png", "20x800 (HxW)", count=2)
    assert part.index.funnel["images"] == 4  # for pretraining they are left out
    labelled = voc(root / "voc")
    picture(root / "voc/images/0.jpg", size=(8, 8))
    assert judged(root / "voc", labelled)[0].index.funnel["images"] == 4  # their boxes are somebody's work


@case(36)
def names_of_all_kinds(root: Path) -> None:
    settings = folder(root)
    odd = ["a#t=1.jpg", "b%20c.jpg", "d e.jpg", "ü é.jpg", "x" * 240 + ".jpg", "new\nline.jpg", "<b>&.jpg"]
    for name in odd:
        picture(root / name)
    part, found = judged(root, settings)
    assert not found and part.index.funnel["images"] == 4 + len(odd)
    part.index.save(root / "index.json")
    assert {row.file for row in type(part.index).load(root / "index.json").images} >= set(odd)
    (root / "loop").symlink_to(root)
    says(judged(root, settings)[1], "D36", ERROR, "loop")


@case(37)
def files_that_are_not_meant(root: Path) -> None:
    settings = folder(root)
    for name in (".DS_Store", "Thumbs.db", "notes.txt"):
        (root / name).write_text("x")
    part, found = judged(root, settings)
    says(found, "D37", SKIP, ".DS_Store", count=3)
    assert part.index.funnel["images"] == 4


@case(38)
def nothing_is_left(root: Path) -> None:
    settings = voc(root)
    for path in (root / "images").iterdir():
        path.write_bytes(path.read_bytes()[:300])
    _, found = judged(root, settings)
    says(found, "D38", ERROR, "4 found, 0 can be used, 0 with boxes")


@pytest.mark.parametrize("name", CASES)
def test(name: str, tmp_path: Path) -> None:
    CASES[name](tmp_path)


def test_all_38_are_there() -> None:
    assert [int(name.split("_")[1]) for name in CASES] == list(range(1, 39))


def _turned(path: Path, orientation: int) -> None:
    """The same pixels, said to be shown turned."""
    with Image.open(path) as image:
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.copy().save(path, exif=exif)


def _renamed(root: Path) -> None:
    """Other pictures than those of the same numbers elsewhere."""
    for n in range(tiny.COUNT):
        picture(root / f"images/{n}.jpg", seed=100 + n)
