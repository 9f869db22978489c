"""Policies: which proposals a draw of an image uses."""

import math

import numpy as np
import pytest
from pydantic import TypeAdapter

from sdetr.proposals.policies import choose
from sdetr.proposals.settings import Policy
from sdetr.proposals.store import Proposals, write_proposals

IDS = [3, 5, 8, 9]
COUNTS = {3: 40, 5: 400, 8: 7, 9: 300}
RANKINGS = 3


@pytest.fixture(scope="module")
def proposals(tmp_path_factory):
    """Every box is told apart by its corner: (image id, place in the list)."""

    def rows():
        for image_id in IDS:
            boxes = np.zeros((COUNTS[image_id], 4), np.float32)
            boxes[:, 0], boxes[:, 1] = image_id, np.arange(COUNTS[image_id])
            boxes[:, 2:] = 100 * image_id + 900
            orders = (np.roll(np.arange(len(boxes), dtype=np.int32), -r) for r in range(1, RANKINGS))
            yield image_id, boxes, np.zeros(len(boxes), np.float32), *orders

    path = tmp_path_factory.mktemp("policies") / "p.parquet"
    write_proposals(path, rows(), lambda: {"left_out": {"7": "gone.jpg"}}, RANKINGS)
    return Proposals(path)


def policy(kind, **numbers):
    return TypeAdapter(Policy).validate_python({"kind": kind} | numbers)


EVERY = [
    policy("top"),
    policy("random"),
    policy("importance", first=300, divisor=10.0),
    policy("other_image"),
]


def chosen(proposals, which, image_id, draw=0, seed=0, most=30):
    return choose(which, most, proposals, image_id, draw, np.random.default_rng(seed), IDS)


def places(boxes):
    return boxes[:, 1].astype(int).tolist()


@pytest.mark.parametrize("draw", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("image_id", IDS)
def test_top_is_the_start_of_the_ranking_of_the_draw(proposals, draw, image_id):
    boxes = chosen(proposals, policy("top"), image_id, draw)
    np.testing.assert_array_equal(boxes, proposals.of(image_id, draw % RANKINGS)[:30])
    assert places(boxes)[0] == draw % RANKINGS and len(boxes) == min(30, COUNTS[image_id])


def test_random_takes_from_the_whole_list_each_box_equally_often_and_none_twice(proposals):
    count = np.zeros(40)
    for seed in range(2000):
        taken = places(chosen(proposals, policy("random"), 3, seed=seed, most=10))
        assert len(taken) == len(set(taken)) == 10
        count[taken] += 1
    np.testing.assert_allclose(count / 2000, 10 / 40, atol=0.045)
    assert len(chosen(proposals, policy("random"), 8)) == 7


def test_detreg_t9_importance_takes_each_of_the_first_300_with_its_own_chance(proposals):
    """−ln(i / 301) / 10 with i from 1, whatever the number of boxes; the released command refuses it."""
    for image_id, expected in ((5, 29.7), (9, 29.7), (3, None)):
        taken = [
            places(chosen(proposals, policy("importance", first=300, divisor=10.0), image_id, seed=s))
            for s in range(3000)
        ]
        count = np.bincount(np.concatenate(taken).astype(int), minlength=COUNTS[image_id])
        eligible = min(300, COUNTS[image_id])
        chance = np.array([-math.log(i / 301) / 10 for i in range(1, eligible + 1)])
        np.testing.assert_allclose(count[:eligible] / 3000, chance, atol=0.036)
        assert not count[eligible:].any() and all(len(set(one)) == len(one) for one in taken)
        sizes = np.array([len(one) for one in taken])
        assert sizes.mean() == pytest.approx(chance.sum(), abs=0.3)
        assert sizes.var() == pytest.approx((chance * (1 - chance)).sum(), rel=0.15)  # independent
        assert expected is None or chance.sum() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("which", EVERY, ids=lambda p: p.kind)
def test_detreg_t9_t10_every_policy_can_be_asked_for_and_answers_for_every_image(proposals, which):
    for image_id in IDS:
        boxes = chosen(proposals, which, image_id, draw=1)
        assert boxes.ndim == 2 and boxes.shape[1] == 4 and boxes.dtype == np.float32
        np.testing.assert_array_equal(boxes, chosen(proposals, which, image_id, draw=1))


@pytest.mark.parametrize("kind", ["mc", "topk", "mc_1"])
def test_detreg_t9_an_unknown_policy_is_refused_with_the_known_ones(kind):
    with pytest.raises(ValueError, match=r"'top', 'random', 'importance', 'other_image'"):
        policy(kind)


def test_detreg_t12_boxes_of_another_image_are_in_its_own_pixels(proposals):
    """Neither scaled nor clipped: in a smaller image they may lie outside."""
    for seed in range(50):
        boxes = chosen(proposals, policy("other_image"), 3, seed=seed)
        other = int(boxes[0, 0])
        np.testing.assert_array_equal(boxes, proposals.of(other)[:30])
        assert (boxes[:, 2:] == 100 * other + 900).all()


def test_every_other_image_is_taken_equally_often_and_never_the_same(proposals):
    taken = [int(chosen(proposals, policy("other_image"), 5, seed=s, most=1)[0, 0]) for s in range(3000)]
    assert set(taken) == {3, 8, 9}
    np.testing.assert_allclose(np.bincount(taken)[[3, 8, 9]] / 3000, 1 / 3, atol=0.035)


def test_detreg_t13_asking_for_another_image_changes_nothing_of_either(proposals):
    before = {image_id: proposals.of(image_id).copy() for image_id in IDS}
    for seed in range(20):
        chosen(proposals, policy("other_image"), 3, seed=seed)
    for image_id in IDS:
        np.testing.assert_array_equal(proposals.of(image_id), before[image_id])
        assert (proposals.of(image_id)[:, 0] == image_id).all()


def test_a_lone_image_has_no_other(proposals):
    with pytest.raises(ValueError, match="no image beside 3"):
        choose(policy("other_image"), 30, proposals, 3, 0, np.random.default_rng(0), [3])


@pytest.mark.parametrize("which", EVERY[:3], ids=lambda p: p.kind)
def test_an_image_that_could_not_be_read_gives_no_box(proposals, which):
    assert chosen(proposals, which, 7).shape == (0, 4)
