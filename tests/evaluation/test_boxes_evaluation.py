"""AP and AR of boxes: pycocotools is the judge, and it allows no difference."""

import numpy as np
import pytest

from sdetr.evaluation.boxes import evaluate, metrics, per_class
from sdetr.evaluation.curves import curves

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100")

HARD = {
    "plain": {},
    "ties": {"ties": True},
    "crowds": {"crowds": 0.4},
    "crowds and ties on whole pixels": {"crowds": 0.4, "ties": True, "whole": True},
    "mostly empty images": {"empty": 0.8, "images": 30},
    "mostly unanswered images": {"unanswered": 0.8},
    "a single image": {"empty": 0.0, "unanswered": 0.0, "images": 1},
    "one class": {"classes": 1},
    "more classes than objects": {"classes": 40, "objects": 2},
    "no small object": {"sides": (40.0, 250.0)},
    "only small objects": {"sides": (4.0, 20.0)},
    "more than a hundred answers": {"answers": 300, "images": 6, "ties": True, "classes": 2},
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("kind", HARD)
def test_every_number_and_every_curve_is_that_of_pycocotools(
    make_scene, write_index, pycocotools, kind, seed
):
    index, predictions = make_scene(seed, **HARD[kind])
    assert predictions["score"], "pycocotools cannot load nothing"
    found = curves(write_index(index), predictions)
    precision, recall, stats = pycocotools(index, predictions)
    assert np.array_equal(found.precision, precision)
    assert np.array_equal(found.recall, recall)
    expected = {name: 100 * value for name, value in zip(NAMES, stats, strict=False) if value > -1}
    assert metrics(found) == expected


def test_the_truth_itself_scores_100(make_scene, write_index):
    index, _ = make_scene(0)
    scores = evaluate(write_index(index), _perfect(index))
    one_answer = {"AR1", "AR10"}  # an image has more objects than that
    assert {scores[name] for name in set(NAMES) - one_answer} == {100.0}
    assert scores["AR1"] < scores["AR10"] <= 100


def test_difficult_objects_count_like_any_other(make_scene, write_index):
    index, predictions = make_scene(3)
    before = evaluate(write_index(index), predictions)
    for annotation in index["annotations"]:
        annotation["difficult"] = 1 - annotation["difficult"]
    assert evaluate(write_index(index), predictions) == before


def test_the_order_of_detections_images_and_annotations_changes_nothing(make_scene, write_index):
    index, predictions = make_scene(4)
    before = evaluate(write_index(index), predictions)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(predictions["score"]))
    for key in ("image_id", "label", "box_xywh_px", "score"):
        predictions[key] = [predictions[key][n] for n in order]
    for key in ("images", "annotations", "categories"):
        index[key] = [index[key][n] for n in rng.permutation(len(index[key]))]
    assert evaluate(write_index(index), predictions) == before


def test_a_monotone_change_of_scores_changes_nothing(make_scene, write_index):
    index, predictions = make_scene(5)
    before = evaluate(write_index(index), predictions)
    predictions["score"] = [score**3 - 2 for score in predictions["score"]]
    assert evaluate(write_index(index), predictions) == before


def test_ids_of_images_may_be_huge_and_of_annotations_zero(make_scene, write_index):
    index, predictions = make_scene(6)
    before = evaluate(write_index(index), predictions)
    for image in index["images"]:
        image["id"] += 2**60
    for n, annotation in enumerate(index["annotations"]):
        annotation |= {"id": n, "image_id": annotation["image_id"] + 2**60}
    predictions["image_id"] = [image + 2**60 for image in predictions["image_id"]]
    assert evaluate(write_index(index), predictions) == before


def test_no_detection_at_all_scores_zero(make_scene, write_index):
    index, predictions = make_scene(7, sides=(40.0, 250.0))
    for key in ("image_id", "label", "box_xywh_px", "score"):
        predictions[key] = []
    scores = evaluate(write_index(index), predictions)
    assert set(scores.values()) == {0.0}
    assert "AP" in scores and "APs" not in scores


def test_a_metric_without_an_object_is_absent_instead_of_minus_one(make_scene, write_index):
    index, predictions = make_scene(8)
    index["annotations"] = []
    found = curves(write_index(index), predictions)
    assert metrics(found) == {} and per_class(found) == {}
    assert found.objects == 0 and found.detections == len(predictions["score"])


def test_classes_average_to_the_whole_and_those_without_objects_are_left_out(make_scene, write_index):
    index, predictions = make_scene(9)
    index["categories"].append({"id": 4, "name": "unicorn"})
    predictions["classes"].append("unicorn")
    found = curves(write_index(index), predictions)
    assert set(per_class(found)) == {f"class {n}" for n in range(4)}
    assert np.mean(list(per_class(found).values())) == pytest.approx(metrics(found)["AP"], abs=1e-12)


def _perfect(index):
    objects = index["annotations"]
    return {
        "dataset": "scenes",
        "classes": [category["name"] for category in index["categories"]],
        "image_id": [annotation["image_id"] for annotation in objects],
        "label": [annotation["category_id"] for annotation in objects],
        "box_xywh_px": [annotation["bbox"] for annotation in objects],
        "score": np.linspace(0.1, 0.9, len(objects)),
    }
