"""The index: the same after a round trip, in COCO's format, wherever its images are."""

import json
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from sdetr.data.index import Annotation, ImageRow, Index


def index(root: Path) -> Index:
    rows = [ImageRow(9, 'a/"quoted" é.jpg', 30, 40), ImageRow(3, "b.jpg", 10, 10)]
    boxes = [Annotation(9, 1, (0.1, 0.2, 3.0, 4.0), 12.5, True), Annotation(3, 0, (0.0, 0.0, 1.0, 1.0), 1.0)]
    return Index("x", root, ["cat", "<b>dog"], rows, boxes, {"boxes": 2})


def test_an_index_comes_back_as_it_was(tmp_path: Path) -> None:
    index(tmp_path / "images").save(tmp_path / "x/train.json")
    index(tmp_path / "x/images").save(tmp_path / "x/val.json")
    assert Index.load(tmp_path / "x/train.json") == index(tmp_path / "images")
    assert Index.load(tmp_path / "x/val.json") == index(tmp_path / "x/images")


def test_a_root_below_the_index_is_stored_relative_so_that_the_folder_can_move(tmp_path: Path) -> None:
    index(tmp_path / "x/images").save(tmp_path / "x/train.json")
    (tmp_path / "x").rename(tmp_path / "y")
    assert Index.load(tmp_path / "y/train.json").root == tmp_path / "y/images"


def test_pycocotools_reads_it_and_annotations_count_from_one(tmp_path: Path) -> None:
    index(tmp_path).save(tmp_path / "train.json")
    coco = COCO(tmp_path / "train.json")
    assert sorted(coco.anns) == [1, 2]
    assert coco.anns[1] == {
        "id": 1,
        "image_id": 9,
        "category_id": 1,
        "bbox": [0.1, 0.2, 3, 4],
        "area": 12.5,
        "iscrowd": 1,
        "difficult": 0,
    }
    assert coco.cats[1]["name"] == "<b>dog"


def test_what_is_not_an_index_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="`sdetr prepare` makes one"):
        Index.load(tmp_path / "train.json")
    for text in ("{", "[]", json.dumps({"images": []})):
        (tmp_path / "train.json").write_text(text)
        with pytest.raises(ValueError, match=r"train\.json is no index"):
            Index.load(tmp_path / "train.json")


def test_an_index_without_images_is_an_index(tmp_path: Path) -> None:
    Index("x", tmp_path, [], [], []).save(tmp_path / "train.json")
    assert Index.load(tmp_path / "train.json").images == []
