"""Parts that somebody else drew: their files say which objects, the whole has the images."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.subsets.settings import SubsetRun
from sdetr.data.subsets.subset import subset, subset_run
from sdetr.files import sha256

CLASSES = ["cat", "dog", "traffic light"]
IDS = {"cat": 17, "dog": 18, "traffic light": 10}
"""Official numbers, in another order than the labels'."""


@pytest.fixture
def whole(tmp_path: Path) -> Index:
    """Ten images, thirty objects."""
    images = [ImageRow(n, f"train2014/{n}.jpg", 50, 60) for n in range(1, 11)]
    objects = [Annotation(n % 10 + 1, n % 3, (float(n), 1.0, 9.0, 8.0), 72.0) for n in range(30)]
    return Index("whole", tmp_path / "images", CLASSES, images, objects)


def write(folder: Path, name: str, *rows: tuple[int, str, list[float]], **changes: Any) -> None:
    """Objects (image id, class, xywh) as an annotation file."""
    content: dict[str, Any] = {
        "images": [{"id": image} for image, _, _ in rows],
        "categories": [{"id": IDS[name], "name": name} for name in reversed(CLASSES)],
        "annotations": [
            {"id": 1000 + n, "image_id": image, "category_id": IDS[name], "bbox": box, "area": 5.0}
            for n, (image, name, box) in enumerate(rows)
        ],
    }
    (folder / "lists").mkdir(exist_ok=True)
    (folder / "lists" / name).write_text(json.dumps(content | changes))


def part(whole: Index, folder: Path, **said: Any) -> Index:
    settings = {"of": "whole", "listed": "lists/{class}.json", **said}
    values = {"stage": "subset", "recipe": 1, "name": "part", "whole": str(folder / "all.json")}
    return subset(whole, SubsetRun.model_validate(values | {"subset": settings}))


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Two objects of each class, those of one image in two files."""
    for n, name in enumerate(CLASSES):
        write(tmp_path, f"{name}.json", (3, name, [1.0, 2, 3 + n, 4]), (5 + n, name, [0.0, 0, 9, 9]))
    return tmp_path


def test_objects_of_all_files_are_joined_by_image_and_keep_the_labels_of_the_whole(
    whole: Index, lists: Path
) -> None:
    found = part(whole, lists)
    assert found.classes == CLASSES and found.root == whole.root
    assert found.images == [row for row in whole.images if row.id in (3, 5, 6, 7)]
    assert sorted((row.image_id, CLASSES[row.label], row.box_xywh_px) for row in found.annotations) == sorted(
        [(3, name, (1.0, 2.0, 3.0 + n, 4.0)) for n, name in enumerate(CLASSES)]
        + [(5 + n, name, (0.0, 0.0, 9.0, 9.0)) for n, name in enumerate(CLASSES)]
    )
    assert {row.area for row in found.annotations} == {5.0}


def test_objects_of_the_whole_that_no_file_lists_are_left_out_of_the_same_image_too(
    whole: Index, lists: Path
) -> None:
    listed = {row.box_xywh_px for row in part(whole, lists).annotations if row.image_id == 3}
    assert not listed & {row.box_xywh_px for row in whole.annotations}


def test_a_file_of_one_class_lists_that_class_alone(whole: Index, lists: Path) -> None:
    write(lists, "dog.json", (3, "dog", [1.0, 2, 3, 4]), (8, "cat", [5.0, 5, 5, 5]))
    found = part(whole, lists)
    assert Counter(row.label for row in found.annotations) == {0: 2, 1: 1, 2: 2}
    assert 8 not in {row.id for row in found.images}


def test_one_file_may_list_all_classes(whole: Index, lists: Path) -> None:
    write(lists, "all.json", (3, "dog", [1.0, 2, 3, 4]), (8, "cat", [5.0, 5, 5, 5]))
    assert len(part(whole, lists, listed="lists/all.json").annotations) == 2


def test_of_more_than_the_shots_as_many_are_drawn_once_and_of_fewer_all_are_taken(
    whole: Index, lists: Path
) -> None:
    many = [(n, "cat", [float(n), 0, 9, 9]) for n in range(1, 11)]
    write(lists, "cat.json", *many)
    found = [part(whole, lists, shots=3, draw=draw) for draw in (0, 0, 1)]
    for one in found:
        assert Counter(row.label for row in one.annotations) == {0: 3, 1: 2, 2: 2}
        assert {row.id for row in one.images} == {row.image_id for row in one.annotations}
    assert found[0] == found[1] != found[2]


def test_an_object_that_is_listed_twice_counts_once_and_boxes_are_clipped_as_always(
    whole: Index, lists: Path
) -> None:
    write(lists, "cat.json", *[(3, "cat", [50.0, 40, 90, 90])] * 2, (4, "cat", [70.0, 0, 5, 5]))
    (only,) = (row for row in part(whole, lists).annotations if row.label == 0)
    assert only.box_xywh_px == (50.0, 40.0, 10.0, 10.0)


def test_a_list_that_is_missing_is_named_with_what_brings_it(whole: Index, lists: Path) -> None:
    (lists / "lists/traffic light.json").unlink()
    with pytest.raises(FileNotFoundError) as error:
        part(whole, lists)
    for said in (
        "lists/traffic light.json",
        "holds cat.json, dog.json",
        "`sdetr fetch whole` gets the lists",
    ):
        assert said in str(error.value)


def test_test_images_among_the_shots_are_refused(whole: Index, lists: Path) -> None:
    write(lists, "dog.json", (3, "dog", [1.0, 2, 3, 4]), (77, "dog", [1.0, 2, 3, 4]))
    with pytest.raises(
        ValueError, match=r"dog\.json lists objects of 1 images that data set whole does not .* 77;"
    ):
        part(whole, lists)


def test_a_class_that_the_whole_does_not_have_is_refused(whole: Index, lists: Path) -> None:
    write(lists, "dog.json", categories=[{"id": 5, "name": "cow"}])
    with pytest.raises(ValueError, match=r"dog\.json has class 'cow', which data set whole does not have"):
        part(whole, lists)


def test_a_list_leads_nowhere_else() -> None:
    with pytest.raises(ValueError, match=r"without `\.\.`"):
        SubsetRun.model_validate(
            {"stage": "subset", "recipe": 1, "name": "part", "whole": "all.json"}
            | {"subset": {"of": "whole", "listed": "../other.json"}}
        )


def test_a_parts_record_tells_of_every_list_that_it_was_read_from(whole: Index, lists: Path) -> None:
    """Nobody else would notice lists that were fetched again and say something else."""
    raw = lists / "raw"
    whole = replace(whole, root=lists / "images")
    whole.save(raw / "whole/all.json")
    shutil.copytree(lists / "lists", raw / "whole/lists")
    subset_settings = {"of": "whole", "listed": "lists/{class}.json"}
    said = {"stage": "subset", "recipe": 1, "name": "part", "whole": str(raw / "whole/all.json")}
    settings = raw / "part.yaml"
    settings.write_text(yaml.safe_dump(said | {"subset": subset_settings}))
    subset_run(settings, raw / "part/all.json")
    told = json.loads((raw / "part/all.record.json").read_text())["inputs"]
    for name in CLASSES:
        file = raw / f"whole/lists/{name}.json"
        assert told[f"{name}.json"] == {"path": str(file), "sha256": sha256(file)}
