"""AP50 of each class over the images that hold it, pass by pass: pycocotools is the judge, class by class."""

import json

import numpy as np
import pytest

from sdetr.evaluation.curves import curves
from sdetr.evaluation.eleven_point import eleven_point
from sdetr.evaluation.one_shot import one_shot, one_shot_resampled
from sdetr.evaluation.predictions import read_predictions, write_predictions
from sdetr.evaluation.resampling import draws
from sdetr.evaluation.stage import evaluate_run

ROWS = ("image_id", "label", "box_xywh_px", "score", "pass")
UNSEEN = ("class 1", "class 3")
HARD = {"plain": {}, "ties": {"ties": True}, "crowds": {"crowds": 0.3}, "many": {"answers": 200, "images": 6}}


def asked(make_scene, seed, **how):
    """A scene whose answers are of passes 1 to 3, whatever class they name."""
    index, predictions = make_scene(seed, **how)
    turns = np.random.default_rng(seed).integers(1, 4, len(predictions["label"]))
    return index, predictions | {"pass": turns.tolist()}


def holding(index, predictions, label, turn):
    """What is left when only the images that hold a class are looked at, in one pass; all names stay."""
    those = {
        row["image_id"] for row in index["annotations"] if row["category_id"] == label and not row["iscrowd"]
    }
    images = [row for row in index["images"] if row["id"] in those]
    objects = [
        row for row in index["annotations"] if row["category_id"] == label and row["image_id"] in those
    ]
    here = [
        n
        for n, (image, named, of) in enumerate(
            zip(predictions["image_id"], predictions["label"], predictions["pass"], strict=True)
        )
        if image in those and named == label and of == turn
    ]
    part = predictions | {name: [predictions[name][n] for n in here] for name in ROWS}
    return index | {"images": images, "annotations": objects}, part


def plain(index, predictions, measure):
    """Class by class, pass by pass, and then the means, in percent."""
    numbers = {}
    for label, name in enumerate(predictions["classes"]):
        if any(row["category_id"] == label and not row["iscrowd"] for row in index["annotations"]):
            parts = [holding(index, predictions, label, turn) for turn in (1, 2, 3)]
            numbers[name] = np.mean([measure(*part, label) for part in parts])
    for side, wanted in (("seen", False), ("unseen", True)):
        if of := [value for name, value in numbers.items() if (name in UNSEEN) == wanted]:
            numbers[side] = np.mean(of)
    return numbers


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("kind", HARD)
def test_every_number_is_that_of_pycocotools_class_by_class_and_pass_by_pass(
    make_scene, write_index, pycocotools, kind, seed
):
    index, predictions = asked(make_scene, seed, **HARD[kind])

    def measure(part, answers, label):
        if not answers["label"]:
            return 0.0
        precision = pycocotools(part, answers)[0][0, :, label, 0, 2]
        return 100 * precision[precision > -1].mean()

    expected = plain(index, predictions, measure)
    found = one_shot(write_index(index), predictions, UNSEEN)
    assert found == pytest.approx({f"AP50-{name}": value for name, value in expected.items()}, abs=1e-9)
    assert list(found)[:2] == ["AP50-seen", "AP50-unseen"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_eleven_points_are_those_of_a_test_set_of_these_images_alone(make_scene, tmp_path, write_index, seed):
    index, predictions = asked(make_scene, seed)

    def measure(part, answers, label):
        path = tmp_path / "part.json"
        path.write_text(json.dumps(part))
        return eleven_point(path, answers)["AP50"]

    easy = index | {"annotations": [row | {"difficult": 0} for row in index["annotations"]]}
    expected = plain(easy, predictions, measure)
    found = one_shot(write_index(easy), predictions, UNSEEN, eleven_point=True)
    assert found == pytest.approx({f"AP50-{name}-11": value for name, value in expected.items()}, abs=1e-9)


def test_an_image_without_the_class_adds_no_mistake(make_scene, write_index):
    """COCO itself counts one, and the number falls."""
    index, predictions = asked(make_scene, 5, empty=0.0)
    path, label = write_index(index), 2
    without = next(
        row["id"]
        for row in index["images"]
        if not any(a["image_id"] == row["id"] and a["category_id"] == label for a in index["annotations"])
    )
    loud = {"image_id": without, "label": label, "box_xywh_px": [1.0, 1.0, 50.0, 50.0], "score": 2.0}
    more = predictions | {name: predictions[name] + [(loud | {"pass": 1})[name]] for name in ROWS}
    assert one_shot(path, more, UNSEEN) == one_shot(path, predictions, UNSEEN)
    class_of = lambda answers: curves(path, answers).precision[0, :, label, 0, 2].mean()  # noqa: E731
    assert class_of(more) < class_of(predictions)


def test_a_pass_is_an_evaluation_of_its_own(write_index):
    """An object that two passes find is found twice, and no answer is a double of another pass's."""
    box = [10.0, 10.0, 40.0, 40.0]
    shared = {"area": 1600.0, "iscrowd": 0, "difficult": 0}
    index = {
        "info": {"dataset": "one"},
        "images": [{"id": 7, "file_name": "7.jpg", "height": 99, "width": 99}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 0, "bbox": box, **shared}],
        "categories": [{"id": 0, "name": "cow"}, {"id": 1, "name": "dog"}],
    }
    said = {"dataset": "one", "classes": ["cow", "dog"], "image_id": [7] * 3, "label": [0] * 3}
    said |= {"box_xywh_px": [box, box, [60.0, 60.0, 9.0, 9.0]], "score": [0.9, 0.8, 0.7], "pass": [1, 2, 3]}
    path = write_index(index)
    assert one_shot(path, said, ["cow"]) == pytest.approx({"AP50-unseen": 200 / 3, "AP50-cow": 200 / 3})
    together = one_shot(path, said | {"pass": [1, 1, 1]}, [])
    assert together == pytest.approx({"AP50-seen": 100.0, "AP50-cow": 100.0})


def test_drawn_once_each_the_images_give_the_numbers_themselves(make_scene, write_index):
    index, predictions = asked(make_scene, 3)
    path = write_index(index)
    expected = one_shot(path, predictions, UNSEEN) | one_shot(path, predictions, UNSEEN, eleven_point=True)
    once = np.ones((len(index["images"]), 1), np.int64)
    found = one_shot_resampled(path, predictions, UNSEEN, once, eleven_point=True)
    assert {name: float(values[0]) for name, values in found.items()} == pytest.approx(expected, abs=1e-9)


def test_a_draw_without_a_class_leaves_it_out_of_the_mean(make_scene, write_index):
    index, predictions = asked(make_scene, 3)
    counts = draws(len(index["images"]), 5)
    counts[:, 0] = 0  # nothing is drawn
    found = one_shot_resampled(write_index(index), predictions, UNSEEN, counts, eleven_point=False)
    assert all(np.isnan(values[0]) for values in found.values())
    assert np.isfinite(found["AP50-seen"][1:]).all()


@pytest.mark.parametrize(
    "change, said",
    [
        ({"pass": None}, "no pass; fine-tune with a protocol of task one_shot"),
        ({"pass": [1]}, "pass has 1 rows, expected "),
        ({"pass": 0}, "pass 0; passes count from 1"),
    ],
)
def test_answers_that_do_not_say_their_pass_are_refused(make_scene, write_index, change, said):
    index, predictions = asked(make_scene, 1)
    value = change["pass"]
    broken = predictions | {"pass": [value] * len(predictions["label"]) if value == 0 else value}
    if value is None:
        del broken["pass"]
    with pytest.raises(ValueError, match=said):
        one_shot(write_index(index), broken, UNSEEN)


def test_an_unseen_class_that_is_none_is_refused(make_scene, write_index):
    index, predictions = asked(make_scene, 1)
    with pytest.raises(ValueError, match=r"unseen names class 'cow', which .* does not have"):
        one_shot(write_index(index), predictions, ["cow"])


def test_the_stage_counts_both_ways_and_the_file_keeps_the_pass(make_scene, write_index, tmp_path):
    index, predictions = asked(make_scene, 6)
    path, file, settings = write_index(index), tmp_path / "predictions.json", tmp_path / "settings.yaml"
    write_predictions(file, predictions)
    assert read_predictions(file)["pass"] == predictions["pass"]
    said = f"stage: evaluate\nrecipe: 1\ntest: {path}\none_shot: true\nunseen: [class 1, class 3]\n"
    settings.write_text(said + "eleven_point: true\nresamples: 20\n")
    evaluate_run(settings, file, tmp_path / "metrics.json")
    result = json.loads((tmp_path / "metrics.json").read_text())
    expected = one_shot(path, predictions, UNSEEN) | one_shot(path, predictions, UNSEEN, eleven_point=True)
    assert result["metrics"] == expected
    drawn = json.loads((tmp_path / "resamples.json").read_text())["metrics"]
    assert drawn.keys() == expected.keys() and {len(values) for values in drawn.values()} == {20}
