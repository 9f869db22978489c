"""VOC 2007's average precision: a plain loop as its development kit describes it, and cases known by hand."""

import numpy as np
import pytest

from sdetr.evaluation.boxes import evaluate
from sdetr.evaluation.eleven_point import eleven_point

HARD = [
    {},
    {"ties": True, "whole": True},
    {"crowds": 0.3},
    {"images": 3, "objects": 30, "answers": 100, "empty": 0.0},
    {"classes": 1, "unanswered": 0.9},
    {"sides": (1.0, 4.0), "whole": True},
    {"images": 60, "classes": 20, "objects": 2},
]
"""Many of them have difficult objects, images without objects or answers, classes without either."""


def plainly(index, predictions, least):
    """One class, one answer, one object after the other."""
    precisions = []
    for category in index["categories"]:
        objects = [a for a in index["annotations"] if a["category_id"] == category["id"]]
        hidden = [bool(a["difficult"] or a["iscrowd"]) for a in objects]
        wanted = hidden.count(False)
        if not wanted:
            continue
        taken, hits, misses, curve = set(), 0, 0, []
        keys = ("score", "image_id", "label", "box_xywh_px")
        answers = list(zip(*(predictions[key] for key in keys), strict=True))
        for _, image, label, box in sorted(answers, key=lambda answer: -answer[0]):  # stable
            if label != category["id"]:
                continue
            best, which = 0.0, None
            for n, other in enumerate(objects):
                if other["image_id"] == image and (shared := overlap(box, other["bbox"])) > best:
                    best, which = shared, n
            if which is not None and best > least:
                if hidden[which]:
                    continue
                hits, misses = (hits, misses + 1) if which in taken else (hits + 1, misses)
                taken.add(which)
            else:
                misses += 1
            curve.append((hits / wanted, hits / (hits + misses)))
        at = [max((p for r, p in curve if r >= tenth / 10), default=0.0) for tenth in range(11)]
        precisions.append(sum(at) / 11)
    return 100 * sum(precisions) / len(precisions) if precisions else None


def overlap(one, two):
    width = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    height = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (one[2] * one[3] + two[2] * two[3] - both)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", HARD)
def test_every_number_is_that_of_a_plain_loop(kind, seed, make_scene, write_index):
    index, predictions = make_scene(seed, **kind)
    found = eleven_point(write_index(index), predictions)
    wanted = [plainly(index, predictions, (50 + 5 * n) / 100) for n in range(10)]
    assert found["AP"] == pytest.approx(sum(wanted) / 10, abs=1e-9)
    assert (found["AP50"], found["AP75"]) == pytest.approx((wanted[0], wanted[5]), abs=1e-9)


def scene(objects, answers, images=(1,)):
    """Objects (image, box) of class a, answers (image, box, score)."""
    shared = {"category_id": 0, "area": 1.0, "iscrowd": 0, "difficult": 0}
    index = {
        "images": [{"id": i, "height": 100, "width": 100} for i in images],
        "annotations": [
            shared | {"image_id": i, "bbox": box} | dict.fromkeys(more, 1) for i, box, *more in objects
        ],
        "categories": [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}],
    }
    columns = {"image_id": 0, "box_xywh_px": 1, "score": 2}
    predictions = {key: [answer[n] for answer in answers] for key, n in columns.items()}
    return index, predictions | {"dataset": "x", "classes": ["a", "b"], "label": [0] * len(answers)}


BOX, FAR = [0.0, 0.0, 10.0, 10.0], [100.0, 100.0, 10.0, 10.0]
HALF = [0.0, 0.0, 10.0, 5.0]
CASES = {
    "an object found, without a false alarm": ([(1, BOX)], [(1, BOX, 0.5)], 100.0),
    "one of two found: six of eleven recalls are reached": ([(1, BOX), (1, FAR)], [(1, BOX, 0.5)], 600 / 11),
    "a false alarm before it halves precision": ([(1, BOX)], [(1, FAR, 0.9), (1, BOX, 0.5)], 50.0),
    "one behind it costs nothing": ([(1, BOX)], [(1, BOX, 0.9), (1, FAR, 0.5)], 100.0),
    "found twice is a false alarm, before the other object": (
        [(1, BOX), (1, FAR)],
        [(1, BOX, 0.9), (1, BOX, 0.8), (1, FAR, 0.7)],
        100 * (6 + 5 * 2 / 3) / 11,
    ),
    "exactly half is not more than half": ([(1, BOX)], [(1, HALF, 0.5)], 0.0),
    "a difficult object is neither found nor missed": (
        [(1, BOX), (1, FAR, "difficult")],
        [(1, FAR, 0.9), (1, BOX, 0.5)],
        100.0,
    ),
    "nor is a crowd": ([(1, BOX), (1, FAR, "iscrowd")], [(1, FAR, 0.9), (1, BOX, 0.5)], 100.0),
    "an object of another image is none of this one's": ([(1, BOX)], [(2, BOX, 0.9)], 0.0),
    "nothing answered": ([(1, BOX)], [], 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_cases_that_are_known_by_hand(case, write_index):
    objects, answers, expected = CASES[case]
    index, predictions = scene(objects, answers, images=(1, 2))
    assert eleven_point(write_index(index), predictions)["AP50"] == pytest.approx(expected)


def test_without_any_object_that_counts_there_is_no_number(write_index):
    index, predictions = scene([(1, BOX, "difficult")], [(1, BOX, 0.5)])
    assert eleven_point(write_index(index), predictions) == {}


def test_corners_that_are_pixels_need_no_pixel_more_once_they_are_read_from_0(write_index):
    """VOC says 1..10 for ten pixels and adds 1 to differences; here that is 0 and a side of 10."""
    theirs = [(1, 1, 10, 10), (4, 4, 13, 13)]
    width = min(10, 13) - max(1, 4) + 1
    shared = width**2 / (2 * 100 - width**2)
    boxes = [[x0 - 1, y0 - 1, x1 - x0 + 1, y1 - y0 + 1] for x0, y0, x1, y1 in theirs]
    assert overlap(*boxes) == pytest.approx(shared)


def test_detreg_t28_it_is_not_cocos_number(make_scene, write_index):
    index, predictions = make_scene(0, images=40)
    path = write_index(index)
    ours, cocos = eleven_point(path, predictions), evaluate(path, predictions)
    assert all(abs(ours[name] - cocos[name]) > 0.05 for name in ("AP", "AP50", "AP75"))


def test_predictions_that_do_not_fit_are_refused(make_scene, write_index):
    index, predictions = make_scene(0)
    with pytest.raises(ValueError, match="name an image that"):
        predictions["image_id"][0] = 10**7
        eleven_point(write_index(index), predictions)


def test_the_order_of_images_and_annotations_changes_nothing(make_scene, write_index):
    index, predictions = make_scene(3)
    one = eleven_point(write_index(index), predictions)
    order = np.random.default_rng(0).permutation(len(index["annotations"]))
    index["annotations"] = [index["annotations"][n] for n in order]
    index["images"].reverse()
    assert eleven_point(write_index(index), predictions) == pytest.approx(one)
