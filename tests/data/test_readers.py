"""Readers and cleaning: real layouts in, one index out, and errors that name what is wrong."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdetr.data.index import Index
from sdetr.data.prepare import prepare
from sdetr.data.readers.voc import parse_xml
from sdetr.data.settings import DatasetSettings

OBJECT = "<object><name>{}</name><difficult>{}</difficult><bndbox>{}</bndbox></object>"


def corners(*values: float) -> str:
    tags = ("xmin", "ymin", "xmax", "ymax")
    return "".join(f"<{t}>{v}</{t}>" for t, v in zip(tags, values, strict=True))


def voc(
    folder: Path, stem: str, *objects: str, size: tuple[int, int] = (30, 40), name: str = "train"
) -> None:
    """One more image (H, W) with objects, in folder's lists."""
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30)).save(folder / "JPEGImages" / f"{stem}.jpg")
    height, width = size
    xml = f"<size><width>{width}</width><height>{height}</height></size>{''.join(objects)}"
    (folder / "Annotations" / f"{stem}.xml").write_text(f"<annotation>{xml}</annotation>")
    with (folder / f"ImageSets/Main/{name}.txt").open("a") as file:
        file.write(f"{stem}\n")


def settings(layout: str = "voc", **changes: Any) -> DatasetSettings:
    plain: dict[str, Any] = {"layout": layout, "split": "train", "roots": ["VOC"]}
    if layout == "voc":
        plain |= {"classes": ["cat", "dog"], "one_based": True}
    return DatasetSettings.model_validate(plain | changes)


def read(tmp_path: Path, wanted: DatasetSettings) -> Index:
    prepare(wanted, "x", tmp_path / "train.json")
    return Index.load(tmp_path / "train.json")


def test_voc_corners_that_count_from_one_lose_one_at_the_low_side_only(tmp_path: Path) -> None:
    voc(tmp_path / "VOC", "a", OBJECT.format("dog", 1, corners(1, 1, 40, 30)))
    for one_based, box in ((True, (0, 0, 40, 30)), (False, (1, 1, 39, 29))):
        (annotation,) = read(tmp_path, settings(one_based=one_based)).annotations
        assert annotation.box_xywh_px == box
        assert (annotation.label, annotation.difficult, annotation.crowd) == (1, True, False)
        assert annotation.area == box[2] * box[3]


def test_voc_roots_are_joined_in_order(tmp_path: Path) -> None:
    voc(tmp_path / "VOC2007", "000005", OBJECT.format("cat", 0, corners(2, 2, 9.5, 9)))
    voc(tmp_path / "VOC2012", "2008_000002", name="trainval")
    index = read(tmp_path, settings(roots=["VOC2007", "VOC2012"], lists=["train", "trainval"]))
    assert [row.file for row in index.images] == [
        "VOC2007/JPEGImages/000005.jpg",
        "VOC2012/JPEGImages/2008_000002.jpg",
    ]
    assert [row.id for row in index.images] == [1, 2]
    assert index.annotations[0].box_xywh_px == (1, 1, 8.5, 8)
    assert index.funnel["images_without_boxes"] == 1


def test_voc_takes_the_size_from_the_image_where_the_xml_has_none(tmp_path: Path) -> None:
    voc(tmp_path / "VOC", "a", size=(0, 0))
    index = read(tmp_path, settings())
    assert index.images[0][2:4] == (30, 40)
    assert index.funnel["size_from_file"] == 1


def test_boxes_are_clipped_dropped_and_counted(tmp_path: Path) -> None:
    good = OBJECT.format("cat", 0, corners(5, 5, 20, 20))
    beyond = OBJECT.format("cat", 0, corners(0, 10, 50, 20))
    empty = OBJECT.format("cat", 0, corners(9, 9, 8, 20))
    outside = OBJECT.format("cat", 0, corners(60, 5, 70, 9))
    voc(tmp_path / "VOC", "a", good, good, beyond, empty, outside)
    index = read(tmp_path, settings())
    assert [a.box_xywh_px for a in index.annotations] == [(4, 4, 16, 16), (0, 9, 40, 11)]
    want = {"boxes_found": 5, "boxes": 2, "duplicate": 1, "degenerate": 2}
    assert {key: index.funnel[key] for key in want} == want
    assert index.funnel["clipped"] >= 1


def test_an_unknown_class_names_the_file_and_the_nearest(tmp_path: Path) -> None:
    voc(tmp_path / "VOC", "a", OBJECT.format("cta", 0, corners(1, 2, 3, 4)))
    with pytest.raises(
        ValueError, match=r"a\.xml: unknown class 'cta', do you mean 'cat'\?; known .*: cat, dog"
    ):
        prepare(settings(), "x", tmp_path / "train.json")


@pytest.mark.parametrize("part", ["ImageSets/Main/train.txt", "Annotations/a.xml", "JPEGImages/a.jpg"])
def test_what_is_missing_is_named_with_what_is_there(tmp_path: Path, part: str) -> None:
    voc(tmp_path / "VOC", "a")
    (tmp_path / "VOC" / part).unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(part) + r".*`sdetr fetch x` gets"):
        prepare(settings(), "x", tmp_path / "train.json")
    assert not (tmp_path / "train.json").exists()


def test_a_missing_root_says_what_brings_it(tmp_path: Path) -> None:
    said = r"no VOC folder .*VOCdevkit/VOC2012: .*`sdetr fetch x --from FOLDER` links yours$"
    with pytest.raises(FileNotFoundError, match=said):
        prepare(settings(roots=["VOCdevkit/VOC2012"]), "x", tmp_path / "train.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_hostile_xml_is_refused_before_it_expands(tmp_path: Path, encoding: str) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "' + "&b;" * 100 + '">]><annotation>&c;</annotation>'
    (tmp_path / "a.xml").write_text(bomb, encoding=encoding)
    with pytest.raises(ValueError, match=r"a\.xml declares a document type"):
        parse_xml(tmp_path / "a.xml")
    (tmp_path / "b.xml").write_text('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', encoding=encoding)
    with pytest.raises(ValueError, match=r"b\.xml declares a document type"):
        parse_xml(tmp_path / "b.xml")


def test_broken_xml_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<annotation><object>")
    with pytest.raises(ValueError, match=r"a\.xml is not well-formed"):
        parse_xml(tmp_path / "a.xml")


def coco(tmp_path: Path, **changes: Any) -> DatasetSettings:
    """Two images, three objects, ids with gaps and out of order."""
    content: dict[str, Any] = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "height": 30, "width": 40} for n in (7, 42)],
        "categories": [{"id": 90, "name": "tooth brush"}, {"id": 1, "name": "person"}],
        "annotations": [
            {"id": 5, "image_id": 42, "category_id": 90, "bbox": [1.5, 2, 3, 4], "area": 6.5, "iscrowd": 0},
            {"id": 6, "image_id": 42, "category_id": 1, "bbox": [0, 0, 40, 30], "iscrowd": 1},
            {"id": 9, "image_id": 7, "category_id": 1, "bbox": [0, 0, 4, 3], "segmentation": [[1, 2, 3]]},
        ],
    } | changes
    for folder in ("annotations", "pictures"):
        (tmp_path / folder).mkdir(exist_ok=True)
    for row in content["images"]:
        Image.new("RGB", (40, 30)).save(tmp_path / "pictures" / row["file_name"])
    (tmp_path / "annotations/instances_train.json").write_text(json.dumps(content))
    return settings("coco", roots=["."], images="pictures")


def test_coco_labels_are_contiguous_by_ascending_official_id(tmp_path: Path) -> None:
    index = read(tmp_path, coco(tmp_path))
    assert index.classes == ["person", "tooth brush"]
    assert [a.label for a in index.annotations] == [1, 0, 0]
    assert [a.crowd for a in index.annotations] == [False, True, False]
    assert [a.area for a in index.annotations] == [6.5, 1200, 12]
    assert [row.id for row in index.images] == [7, 42]


def test_images_of_one_list_lie_in_several_folders_which_their_names_tell(tmp_path: Path) -> None:
    coco(tmp_path)
    for name in ("7", "42"):
        folder = tmp_path / f"folder{name}"
        folder.mkdir()
        (tmp_path / f"pictures/{name}.jpg").rename(folder / f"{name}.jpg")
    wanted = settings("coco", roots=["."], images_of={"7": "folder7", "4": "folder42"})
    assert [row.file for row in read(tmp_path, wanted).images] == ["folder7/7.jpg", "folder42/42.jpg"]
    odd = settings("coco", roots=["."], images_of={"7": "folder7", "43": "folder42"})
    with pytest.raises(ValueError, match=r"lists image 42\.jpg, expected names that begin with one of 7, 43"):
        prepare(odd, "x", tmp_path / "other.json")
    (tmp_path / "folder42/42.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 1 images are not in .*folder42"):
        prepare(wanted, "x", tmp_path / "other.json")
    with pytest.raises(ValueError, match="images_of: found images: pictures too"):
        settings("coco", roots=["."], images="pictures", images_of={"7": "folder7"})


def bad(said: str, **changes: Any) -> Any:
    """One annotation with something changed, and what the error says."""
    row = {"id": 3, "image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1]}
    return pytest.param({"annotations": [row | changes]}, said, id=said)


TWICE = {"categories": [{"id": 1, "name": "goal"}, {"id": 2, "name": "goal"}]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        bad("annotation 3 has unknown category id 2", category_id=2),
        bad("annotation 3 belongs to image id 8", image_id=8),
        bad("annotation 3 has bbox", bbox=[0, "1", 1, 1]),
        bad("expected four numbers", bbox=[0, 1, 1]),
        bad("has bbox None", bbox=None),
        bad("not four finite numbers", bbox=[0, 1, float("nan"), 1]),
        pytest.param({"images": [{"id": 1, "file_name": "1.jpg"}]}, "has no 'height'", id="no height"),
        pytest.param(TWICE, "class name 'goal' 2 times", id="twice"),
    ],
)
def test_bad_coco_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        prepare(coco(tmp_path, **changes), "x", tmp_path / "train.json")


def test_two_annotations_with_one_id_are_refused(tmp_path: Path) -> None:
    row = {"id": 3, "image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1]}
    with pytest.raises(ValueError, match="annotation id 3 2 times"):
        prepare(coco(tmp_path, annotations=[row, row]), "x", tmp_path / "train.json")


def test_missing_coco_images_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    wanted = coco(tmp_path)
    (tmp_path / "pictures/42.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 2 images are not in .*42\.jpg"):
        prepare(wanted, "x", tmp_path / "train.json")


def test_truncated_json_says_so(tmp_path: Path) -> None:
    wanted = coco(tmp_path)
    path = tmp_path / "annotations/instances_train.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match=r"instances_train\.json is not valid JSON.*truncated"):
        prepare(wanted, "x", tmp_path / "train.json")


def test_a_folder_is_walked_in_order_and_what_is_no_image_is_counted(tmp_path: Path) -> None:
    for name in ("b/2.JPEG", "a/1.png", "b/#t=1 é.jpg"):
        (tmp_path / "VOC" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(tmp_path / "VOC" / name)
    (tmp_path / "VOC/.DS_Store").write_text("")
    (tmp_path / "VOC/b/Thumbs.db").write_text("")
    index = read(tmp_path, settings("folder"))
    assert [row.file for row in index.images] == ["a/1.png", "b/#t=1 é.jpg", "b/2.JPEG"]
    assert index.classes == ["a", "b"]
    assert [(a.label, a.box_xywh_px) for a in index.annotations] == [(k, (0, 0, 40, 30)) for k in (0, 1, 1)]
    assert index.funnel["no_image"] == 2


def test_some_class_folders_alone_are_a_data_set_and_each_has_to_be_there(tmp_path: Path) -> None:
    for name in ("c/1.png", "a/2.png", "b/3.png", "4.png"):
        (tmp_path / "VOC" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(tmp_path / "VOC" / name)
    index = read(tmp_path, settings("folder", only=["c", "a"]))
    assert [row.file for row in index.images] == ["a/2.png", "c/1.png"] and index.classes == ["a", "c"]
    with pytest.raises(FileNotFoundError, match=r"1 of 2 folders are not in .*VOC: d"):
        prepare(settings("folder", only=["a", "d"]), "x", tmp_path / "other.json")
    with pytest.raises(ValueError, match="a voc data set has no class folders"):
        settings("voc", only=["a"])


def test_a_flat_folder_has_images_without_classes(tmp_path: Path) -> None:
    (tmp_path / "VOC").mkdir()
    Image.new("L", (40, 30)).save(tmp_path / "VOC/1.png")
    index = read(tmp_path, settings("folder"))
    assert (len(index.images), index.classes, index.annotations) == (1, [], [])


def test_a_link_that_leads_back_is_refused(tmp_path: Path) -> None:
    (tmp_path / "VOC/a").mkdir(parents=True)
    (tmp_path / "VOC/a/back").symlink_to(tmp_path / "VOC")
    with pytest.raises(ValueError, match=r"a/back links to .* never end"):
        prepare(settings("folder"), "x", tmp_path / "train.json")


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "VOC").mkdir()
    (tmp_path / "VOC/readme.txt").write_text("")
    with pytest.raises(ValueError, match="no image among the 1 files"):
        prepare(settings("folder"), "x", tmp_path / "train.json")


def test_another_number_of_images_than_expected_is_refused_and_nothing_written(tmp_path: Path) -> None:
    voc(tmp_path / "VOC", "a")
    with pytest.raises(ValueError, match=r"has 1 images in .*, expected 2"):
        prepare(settings(expected_images=2), "x", tmp_path / "train.json")
    assert not (tmp_path / "train.json").exists()


def test_siamese_t19_objects_are_counted_with_the_difficult_ones(tmp_path: Path) -> None:
    objects = (OBJECT.format("cat", difficult, corners(1, 1, 9, 9 + difficult)) for difficult in (0, 1))
    voc(tmp_path / "VOC", "a", *objects)
    read(tmp_path, settings(expected_objects=2))
    with pytest.raises(ValueError, match=r"has 2 objects in .*, expected 1"):
        prepare(settings(expected_objects=1), "x", tmp_path / "other.json")


def test_classes_held_back_have_to_exist(tmp_path: Path) -> None:
    voc(tmp_path / "VOC", "a")
    with pytest.raises(ValueError, match=r"unseen names class 'catt'.*do you mean 'cat'"):
        prepare(settings(unseen=["catt"]), "x", tmp_path / "train.json")


def test_preparing_data_needs_no_torch() -> None:
    code = "import sys, sdetr.data.prepare; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
