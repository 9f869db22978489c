"""Objects whatever their class: pycocotools with `useCats = 0` is the judge, and it allows no difference."""

import json

import numpy as np
import pytest

from sdetr.evaluation.boxes import metrics, per_class
from sdetr.evaluation.curves import curves
from sdetr.evaluation.predictions import write_predictions
from sdetr.evaluation.stage import evaluate_run

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100")
HARD = {
    "plain": {},
    "ties": {"ties": True},
    "crowds": {"crowds": 0.4},
    "mostly empty images": {"empty": 0.8, "images": 30},
    "mostly unanswered images": {"unanswered": 0.8},
    "more than a hundred answers": {"answers": 300, "images": 6, "ties": True},
}


def as_objects(predictions):
    """Answers as a proposer gives them: of one class, which no data set has."""
    return predictions | {"classes": ["object"], "label": [0] * len(predictions["label"])}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("kind", HARD)
def test_every_number_and_every_curve_is_that_of_pycocotools(
    make_scene, write_index, pycocotools, kind, seed
):
    index, predictions = make_scene(seed, **HARD[kind])
    predictions = as_objects(predictions)
    found = curves(write_index(index), predictions, any_class=True)
    precision, recall, stats = pycocotools(index, predictions, use_classes=False)
    assert np.array_equal(found.precision, precision)
    assert np.array_equal(found.recall, recall)
    expected = {name: 100 * value for name, value in zip(NAMES, stats, strict=False) if value > -1}
    assert metrics(found) == expected


def test_it_is_what_one_class_for_all_objects_and_answers_gives(make_scene, write_index):
    index, predictions = make_scene(3, crowds=0.3)
    ignored = curves(write_index(index), predictions, any_class=True)
    index["categories"] = [{"id": 0, "name": "object"}]
    for annotation in index["annotations"]:
        annotation["category_id"] = 0
    renamed = curves(write_index(index), as_objects(predictions))
    assert np.array_equal(ignored.precision, renamed.precision)
    assert np.array_equal(ignored.recall, renamed.recall)


def test_answers_of_equal_score_count_in_their_order(make_scene, write_index):
    """A proposer's row: all scores are one number, so the first box of an image is its best."""
    index, _ = make_scene(4, empty=0.0)
    image, box = index["images"][0]["id"], [10.0, 20.0, 30.0, 40.0]
    index["annotations"] = [{"id": 1, "image_id": image, "category_id": 2, "bbox": box, "area": 1200.0}]
    index["annotations"][0] |= {"iscrowd": 0, "difficult": 0}
    rows = [box, [200.0, 200.0, 9.0, 9.0]]
    answers = {"dataset": "scenes", "classes": ["object"], "image_id": [image] * 2, "label": [0, 0]}
    recalls = [
        metrics(curves(write_index(index), answers | {"box_xywh_px": boxes, "score": [1.0, 1.0]}, True))[
            "AR1"
        ]
        for boxes in (rows, rows[::-1])
    ]
    assert recalls == [100.0, 0.0]


def test_the_stage_ignores_classes_where_its_settings_say_so(make_scene, write_index, tmp_path):
    index, predictions = make_scene(5)
    path = write_index(index)
    write_predictions(tmp_path / "predictions.json", as_objects(predictions))
    settings = tmp_path / "settings.yaml"
    said = f"stage: evaluate\nrecipe: 1\ntest: {path}\n"
    settings.write_text(said + "any_class: true\n")
    evaluate_run(settings, tmp_path / "predictions.json", tmp_path / "metrics.json")
    result = json.loads((tmp_path / "metrics.json").read_text())
    found = curves(path, predictions, any_class=True)
    assert result["metrics"] == metrics(found)
    assert result["per_class"] == per_class(found) == {"object": result["metrics"]["AP"]}
    settings.write_text(said)
    with pytest.raises(ValueError, match="predict with a detector of the index's classes"):
        evaluate_run(settings, tmp_path / "predictions.json", tmp_path / "metrics.json")
