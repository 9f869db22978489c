"""Predictions either make sense or are refused with image and count; they are never silently scored."""

import math

import numpy as np
import pytest

from sdetr.evaluation.boxes import evaluate
from sdetr.evaluation.predictions import read_predictions, write_predictions


@pytest.fixture
def scene(make_scene):
    return make_scene(0)


def test_a_file_scores_exactly_like_the_arrays_it_was_written_from(scene, write_index, tmp_path):
    index, predictions = scene
    arrays = predictions | {
        "image_id": np.asarray(predictions["image_id"], np.int32),
        "box_xywh_px": np.asarray(predictions["box_xywh_px"], np.float32),
        "score": np.asarray(predictions["score"], np.float32),
    }
    write_predictions(tmp_path / "predictions.json", arrays)
    read = read_predictions(tmp_path / "predictions.json")
    assert list(read) == ["dataset", "classes", "image_id", "label", "box_xywh_px", "score"]
    assert evaluate(write_index(index), read) == evaluate(write_index(index), arrays)


def test_nothing_found_survives_the_file(tmp_path):
    nothing = {"dataset": "d", "classes": ["a"], "image_id": [], "label": [], "box_xywh_px": [], "score": []}
    write_predictions(tmp_path / "predictions.json", nothing)
    assert read_predictions(tmp_path / "predictions.json") == nothing


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("column", ["score", "box_xywh_px"])
def test_fault_40_a_number_that_is_not_finite_is_refused_with_its_image(scene, write_index, column, value):
    index, predictions = scene
    for row in (3, 5):
        predictions["image_id"][row] = predictions["image_id"][3]
        predictions[column][row] = value if column == "score" else [1.0, 2.0, 3.0, value]
    image = predictions["image_id"][3]
    with pytest.raises(ValueError, match=rf"2 of \d+ detections \(in image {image}: 2\) .*not finite"):
        evaluate(write_index(index), predictions)


def test_writing_refuses_what_reading_would_and_leaves_no_file(scene, tmp_path):
    _, predictions = scene
    predictions["score"][0] = math.nan
    with pytest.raises(ValueError, match=r"predictions\.json: 1 of .* not finite"):
        write_predictions(tmp_path / "predictions.json", predictions)
    assert list(tmp_path.iterdir()) == []


def _drop(predictions):
    predictions["label"].pop()


def _unknown_label(predictions):
    predictions["label"][2] = 4


def _negative_label(predictions):
    predictions["label"][2] = -1


def _unknown_image(predictions):
    predictions["image_id"][2] = 10**7


def _renamed(predictions):
    predictions["classes"][1] = "zebra"


def _reordered(predictions):
    predictions["classes"].reverse()


def _one_class_more(predictions):
    predictions["classes"].append("zebra")


def _corners(predictions):
    predictions["box_xywh_px"][2] = [50.0, 50.0, -3.0, 4.0]


def _ragged(predictions):
    predictions["box_xywh_px"][2] = [1.0, 2.0, 3.0]


def _five_numbers(predictions):
    predictions["box_xywh_px"] = [[*box, 0.0] for box in predictions["box_xywh_px"]]


def _half_label(predictions):
    predictions["label"][2] = 0.5


def _no_scores(predictions):
    del predictions["score"]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (_drop, r"columns of unequal length: image_id \d+, label \d+"),
        (_unknown_label, r"1 of \d+ detections .* unknown label, first \[4\]; the 4 classes count from 0"),
        (_negative_label, r"unknown label, first \[-1\]"),
        (
            _unknown_image,
            r"1 of \d+ detections name an image that .*index.json does not have, first id 10000000",
        ),
        (_renamed, r"index.json has the classes .*'class 1'.* the predictions .*'zebra'"),
        (_reordered, r"index.json has the classes"),
        (_one_class_more, r"index.json has the classes"),
        (_corners, r"negative width or height; expected left, top, width, height"),
        (_ragged, r"box_xywh_px is no array of numbers of shape \(N, 4\)"),
        (_five_numbers, r"box_xywh_px has shape \(\d+, 5\), expected \(N, 4\)"),
        (_half_label, r"label is float64 of shape .* expected whole numbers"),
        (_no_scores, r"no score; expected dataset, classes"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(scene, write_index, spoil, message):
    index, predictions = scene
    spoil(predictions)
    with pytest.raises(ValueError, match=message):
        evaluate(write_index(index), predictions)


@pytest.mark.parametrize("text, message", [("{", "is not JSON"), ("[1]", "holds a list")])
def test_a_file_that_holds_something_else_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "predictions.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"predictions.json .*{message}|predictions.json {message}"):
        read_predictions(path)
