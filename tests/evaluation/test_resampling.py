"""An image drawn k times counts as k images do: pycocotools, and plain copies, are the judges."""

import numpy as np
import pytest

from sdetr.evaluation.boxes import evaluate
from sdetr.evaluation.eleven_point import eleven_point, eleven_point_matches
from sdetr.evaluation.matches import match
from sdetr.evaluation.resampling import draws, eleven_point_resampled, resampled
from sdetr.evaluation.truth import truth_and_found

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100")

HARD = {
    "plain": {},
    "crowds": {"crowds": 0.4},
    "crowds on whole pixels": {"crowds": 0.4, "whole": True},
    "mostly empty images": {"empty": 0.8, "images": 30},
    "more classes than objects": {"classes": 40, "objects": 2},
    "only small objects": {"sides": (4.0, 20.0)},
    "more than a hundred answers": {"answers": 300, "images": 6, "classes": 2},
}
TIES = {"ties": {"ties": True}, "crowds and ties": {"crowds": 0.4, "ties": True, "whole": True}}


def copies(index, predictions, counts):
    """Every image as often as it counts, under new names, beside each other."""
    ids = np.unique([image["id"] for image in index["images"]]).tolist()
    names = {old: [10 * n + k for k in range(counts[n])] for n, old in enumerate(ids)}
    rows = [n for n, image in enumerate(predictions["image_id"]) for _ in names[image]]
    columns = {key: [predictions[key][n] for n in rows] for key in ("label", "box_xywh_px", "score")}
    columns["image_id"] = [new for image in predictions["image_id"] for new in names[image]]
    objects = [one | {"image_id": new} for one in index["annotations"] for new in names[one["image_id"]]]
    there = {
        "images": [one | {"id": new} for one in index["images"] for new in names[one["id"]]],
        "annotations": [one | {"id": n} for n, one in enumerate(objects, 1)],
    }
    return index | there, predictions | columns


def numbers(path, predictions, counts):
    truth, found = truth_and_found(path, predictions)
    return one(resampled(match(truth, found), counts))


def one(metrics):
    """Of a single draw, what is there."""
    return {name: float(value) for name, (value,) in metrics.items() if not np.isnan(value)}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", HARD)
def test_an_image_drawn_k_times_counts_as_k_copies_of_it_in_pycocotools(
    make_scene, write_index, pycocotools, kind, seed
):
    index, predictions = make_scene(seed, **HARD[kind])
    counts = np.random.default_rng(seed).integers(0, 4, (len(index["images"]), 1))
    assert counts.max() > 1 and counts.min() == 0
    *_, stats = pycocotools(*copies(index, predictions, counts[:, 0]))
    wanted = {name: 100 * value for name, value in zip(NAMES, stats, strict=False) if value > -1}
    assert numbers(write_index(index), predictions, counts) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", HARD)
def test_an_image_drawn_k_times_counts_as_k_copies_of_it_at_eleven_points(
    make_scene, write_index, kind, seed
):
    index, predictions = make_scene(seed, **HARD[kind])
    counts = np.random.default_rng(seed).integers(0, 4, (len(index["images"]), 1))
    truth, found = truth_and_found(write_index(index), predictions)
    here = one(eleven_point_resampled(eleven_point_matches(truth, found), counts))
    more, answers = copies(index, predictions, counts[:, 0])
    assert here == pytest.approx(eleven_point(write_index(more), answers), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", HARD | TIES)
def test_every_image_once_gives_the_plain_numbers_however_many_are_alike(make_scene, write_index, kind, seed):
    index, predictions = make_scene(seed, **(HARD | TIES)[kind])
    path, once = write_index(index), np.ones((len(index["images"]), 1), int)
    assert numbers(path, predictions, once) == pytest.approx(evaluate(path, predictions), abs=1e-9)
    truth, found = truth_and_found(path, predictions)
    here = one(eleven_point_resampled(eleven_point_matches(truth, found), once))
    assert here == pytest.approx(eleven_point(path, predictions), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_of_objects_on_top_of_each_other_the_one_that_counts_is_taken(make_scene, write_index, seed):
    """Each object has a double, at its place or beside, of another area, or a crowd."""
    rng = np.random.default_rng(seed)
    index, predictions = make_scene(seed, images=20, classes=2, answers=60)
    doubles = []
    for one in index["annotations"]:
        box = np.array(one["bbox"]) + rng.choice([0, 1]) * rng.normal(0, 3, 4)
        other = {"bbox": np.maximum(box, 1).tolist(), "area": float(rng.choice([500, 5000, 50000]))}
        doubles.append(one | other | {"iscrowd": int(rng.random() < 0.2)})
    both = [one | {"id": n} for n, one in enumerate([*index["annotations"], *doubles], 1)]
    path, once = write_index(index | {"annotations": both}), np.ones((len(index["images"]), 1), int)
    assert numbers(path, predictions, once) == pytest.approx(evaluate(path, predictions), abs=1e-9)


@pytest.mark.parametrize("order, found", [((0, 1), 100.0), ((1, 0), 50.5)])
def test_of_objects_that_an_answer_overlaps_equally_it_takes_the_last(write_index, order, found):
    """The first answer lies between both; the second fits the left one alone."""
    boxes = [[0, 0, 10, 10], [4, 0, 10, 10]]
    shared = {"image_id": 1, "category_id": 0, "area": 100.0, "iscrowd": 0}
    index = {
        "images": [{"id": 1, "height": 20, "width": 20}],
        "categories": [{"id": 0, "name": "a"}],
        "annotations": [shared | {"id": n, "bbox": boxes[n]} for n in order],
    }
    answers = {"image_id": [1, 1], "label": [0, 0], "box_xywh_px": [[2, 0, 10, 10], boxes[0]]}
    predictions = {"dataset": "two", "classes": ["a"], "score": [0.9, 0.8]} | answers
    path = write_index(index)
    here = numbers(path, predictions, np.ones((1, 1), int))
    assert here == pytest.approx(evaluate(path, predictions), abs=1e-9)
    assert here["AP50"] == pytest.approx(found, abs=0.1)


def test_draws_do_not_depend_on_how_many_are_made_at_once(make_scene, write_index, monkeypatch):
    index, predictions = make_scene(1)
    truth, found = truth_and_found(write_index(index), predictions)
    matches, counts = match(truth, found), draws(truth.image_id.size, 7)
    together = resampled(matches, counts)
    monkeypatch.setattr("sdetr.evaluation.resampling.AT_ONCE", 3 * found.score.size)
    for name, values in resampled(matches, counts).items():
        assert np.array_equal(values, together[name], equal_nan=True)
        alone = [resampled(matches, counts[:, [n]])[name][0] for n in range(7)]
        assert values == pytest.approx(alone, abs=1e-9, nan_ok=True)


def test_the_order_of_detections_and_annotations_changes_nothing(make_scene, write_index):
    index, predictions = make_scene(2, crowds=0.2)
    counts = draws(len(index["images"]), 5)
    truth, found = truth_and_found(write_index(index), predictions)
    before = resampled(match(truth, found), counts)
    columns = {key: predictions[key][::-1] for key in ("image_id", "label", "box_xywh_px", "score")}
    index["annotations"].reverse()
    truth, found = truth_and_found(write_index(index), predictions | columns)
    for name, values in resampled(match(truth, found), counts).items():
        assert np.array_equal(values, before[name], equal_nan=True)


@pytest.mark.parametrize("images", [1, 7, 100])
def test_a_draw_has_as_many_images_as_there_are_and_is_the_same_for_every_run(images):
    counts = draws(images, 200)
    assert (counts.sum(axis=0) == images).all() and (counts >= 0).all()
    assert np.array_equal(counts, draws(images, 200))
    assert np.array_equal(counts[:, :20], draws(images, 20))
    assert counts.mean(axis=1) == pytest.approx(1, abs=0.5)
