"""Class and box error against a plain loop over pairs, and cases whose answer is known."""

import json
from typing import Any

import numpy as np
import pytest

from sdetr.evaluation.errors import errors
from sdetr.evaluation.predictions import read_predictions, write_predictions
from sdetr.evaluation.stage import evaluate_run

Pairs = dict[str, list[Any]]


def random_pairs(index: dict[str, Any], seed: int) -> Pairs:
    """For most objects of each image a query, some of which are right; in no order."""
    rng, classes = np.random.default_rng(seed), len(index["categories"])
    rows = []
    for image in index["images"]:
        mine = [a for a in index["annotations"] if a["image_id"] == image["id"] and not a["iscrowd"]]
        for number, annotation in enumerate(mine):
            if rng.random() < 0.9:
                label = annotation["category_id"] if rng.random() < 0.5 else int(rng.integers(classes + 1))
                rows.append((image["id"], number, label, rng.random(4).tolist()))
    rows = [rows[n] for n in rng.permutation(len(rows))]
    names = ("image_id", "object", "label", "box_cxcywh")
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}


def plain(index: dict[str, Any], pairs: Pairs) -> dict[str, float]:
    """The same, pair by pair and number by number."""
    wrong, apart = 0, 0.0
    sizes = {image["id"]: (image["width"], image["height"]) for image in index["images"]}
    for image_id, number, label, box in zip(*pairs.values(), strict=True):
        mine = [a for a in index["annotations"] if a["image_id"] == image_id and a["iscrowd"] == 0]
        annotation, (width, height) = mine[number], sizes[image_id]
        x, y, w, h = annotation["bbox"]
        wanted = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height]
        wrong += label != annotation["category_id"]
        for said, true in zip(box, wanted, strict=True):
            apart += abs(said - true)
    objects = sum(a["iscrowd"] == 0 for a in index["annotations"])
    return {"class-error": 100 * wrong / len(pairs["label"]), "box-error": apart / objects}


@pytest.mark.parametrize("seed", range(6))
def test_they_are_what_a_plain_loop_counts(make_scene, write_index, seed):
    index, predictions = make_scene(seed, crowds=0.3)
    rng = np.random.default_rng(seed)
    for image in index["images"]:  # no two images of one size, so that nobody's size is another's
        image |= {"width": int(rng.integers(300, 900)), "height": int(rng.integers(300, 900))}
    predictions["matched"] = random_pairs(index, seed)
    found = errors(write_index(index), predictions)
    assert found == pytest.approx(plain(index, predictions["matched"]), rel=1e-12)


@pytest.fixture
def scene() -> tuple[dict[str, Any], dict[str, Any]]:
    """A crowd before two objects in one image of 200 x 100, nothing in another; both objects answered for."""
    boxes = [[0, 0, 200, 100], [20, 10, 40, 20], [100, 50, 100, 50]]
    index = {
        "images": [{"id": i, "file_name": "", "width": 200, "height": 100} for i in (7, 3)],
        "annotations": [
            {"image_id": 7, "category_id": n % 2, "bbox": box, "area": 1, "iscrowd": int(n == 0)}
            for n, box in enumerate(boxes)
        ],
        "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}],
    }
    none: dict[str, list[Any]] = {"image_id": [], "label": [], "box_xywh_px": [], "score": []}
    exact = [[0.2, 0.2, 0.2, 0.2], [0.75, 0.75, 0.5, 0.5]]
    pairs = {"image_id": [7, 7], "object": [0, 1], "label": [1, 0], "box_cxcywh": exact}
    return index, {"dataset": "scenes", "classes": ["cat", "dog"], **none, "matched": pairs}


def test_right_answers_have_no_error_whatever_was_detected(scene, write_index):
    assert errors(write_index(scene[0]), scene[1]) == pytest.approx({"class-error": 0, "box-error": 0})


def test_no_object_is_a_wrong_class_and_one_box_is_shared_by_all_objects(scene, write_index):
    index, predictions = scene
    predictions["matched"] |= {"label": [2, 0], "box_cxcywh": [[0.3, 0.1, 0.2, 0.2], [0.75, 0.75, 0.5, 0.5]]}
    assert errors(write_index(index), predictions) == pytest.approx({"class-error": 50, "box-error": 0.1})


def test_an_object_without_a_query_counts_for_boxes_alone(scene, write_index):
    index, predictions = scene
    predictions["matched"] = {
        "image_id": [7], "object": [1], "label": [0], "box_cxcywh": [[0.75, 0.75, 0.5, 0.3]]
    }  # fmt: skip
    assert errors(write_index(index), predictions) == pytest.approx({"class-error": 0, "box-error": 0.1})


def test_where_there_is_nothing_to_find_there_is_no_error(scene, write_index):
    index, predictions = scene
    index["annotations"] = index["annotations"][:1]
    predictions["matched"] = {name: [] for name in predictions["matched"]}
    assert errors(write_index(index), predictions) == {}


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"object": [0, 2]}, "object 2 of image 7, but .*index.json has 2 there that are no crowd"),
        ({"object": [0, -1]}, "object -1 of image 7"),
        ({"object": [1, 1]}, "has two queries, expected one"),
        ({"image_id": [7, 3], "object": [0, 0]}, "object 0 of image 3, but .* has 0 there"),
        ({"image_id": [7, 8]}, "1 of 2 matched queries name an image that .* does not have"),
        ({"label": [1, 3]}, "matched: a label beyond 2"),
        ({"label": [1]}, "columns of unequal length"),
        ({"box_cxcywh": [[0.0, 0, 0, 0], [0, 0, 0, float("nan")]]}, "a box that is not finite"),
        ({"box_cxcywh": [[0.0, 0, 0], [0, 0, 0]]}, r"matched: box_cxcywh has shape \(2, 3\)"),
        ({"more": []}, "found image_id, object, label, box_cxcywh, more, expected"),
    ],
)
def test_pairs_that_cannot_be_are_refused(scene, write_index, changed, message):
    index, predictions = scene
    predictions["matched"] |= changed
    with pytest.raises(ValueError, match=message):
        errors(write_index(index), predictions)


def test_they_stand_beside_cocos_numbers_where_settings_say_so(scene, write_index, tmp_path):
    index, predictions = scene
    path = write_index(index)
    write_predictions(tmp_path / "predictions.json", predictions)
    assert read_predictions(tmp_path / "predictions.json") == predictions
    (tmp_path / "settings.yaml").write_text(f"stage: evaluate\nrecipe: 1\ntest: {path}\nmatched: true\n")
    evaluate_run(tmp_path / "settings.yaml", tmp_path / "predictions.json", tmp_path / "metrics.json")
    numbers = json.loads((tmp_path / "metrics.json").read_text())["metrics"]
    assert numbers == errors(path, predictions) | {k: v for k, v in numbers.items() if "error" not in k}
    assert {"AP", "AR100", "class-error", "box-error"} <= set(numbers)


def test_predictions_of_a_protocol_that_matched_nothing_are_refused(scene, write_index):
    index, predictions = scene
    del predictions["matched"]
    with pytest.raises(ValueError, match=r"matched: found nothing, .*a protocol that says matched"):
        errors(write_index(index), predictions)
