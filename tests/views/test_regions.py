"""Regions: the overlap first, then proposals in their order, clipped; copies where they are too few."""

import numpy as np
import pytest

from sdetr.views.geometry import inside
from sdetr.views.pairs import plan_pair
from sdetr.views.regions import choose_regions, jittered

OVERLAP = np.array([20.0, 10, 120, 90])


def choose(boxes: list[list[float]], count: int = 10, seed: int = 0) -> np.ndarray | None:
    rng = np.random.default_rng(seed)
    return choose_regions(np.array(boxes, np.float64).reshape(-1, 4), OVERLAP, count, 0.05, 0.1, rng)


def test_siamese_t7_the_first_region_is_the_overlap_and_nine_are_proposals() -> None:
    boxes = [[30.0 + i, 20, 80, 70] for i in range(30)]
    regions = choose(boxes)
    assert regions.shape == (10, 4)
    assert (regions[0] == OVERLAP).all()
    assert (regions[1:] == boxes[:9]).all()  # in their order


def test_siamese_t8_proposals_are_clipped_not_discarded_and_doubles_stay() -> None:
    regions = choose([[0, 0, 200, 200], [30, 20, 80, 70], [0, 50, 70, 300], [-5, -5, 150, 95]], count=5)
    assert (regions[1] == OVERLAP).all()
    assert (regions[2] == [30, 20, 80, 70]).all()
    assert (regions[3] == [20, 50, 70, 90]).all()
    assert (regions[4] == OVERLAP).all()


def test_small_and_distant_proposals_go() -> None:
    fine, small, outside = [20, 10, 45, 27], [20, 10, 40, 29], [121, 10, 200, 90]  # 425, 380, 0 of 400
    regions = choose([small, outside, fine, [0, 0, 19, 200]], count=2)
    assert (regions[1] == fine).all()
    assert choose([small, outside]) is None
    assert choose([]) is None


def test_the_overlap_alone_needs_no_proposal() -> None:
    assert (choose([], count=1) == [OVERLAP]).all()


@pytest.mark.parametrize("survivors", range(1, 9))
def test_siamese_t11_few_proposals_come_again_jittered(survivors: int) -> None:
    boxes = [[30.0 + 5 * i, 20, 80, 70] for i in range(survivors)]
    regions = choose(boxes)
    assert regions.shape == (10, 4)
    assert (regions[1 : 1 + survivors] == boxes).all()
    for k in range(9 - survivors):
        original, copy = np.array(boxes[k % survivors]), regions[1 + survivors + k]
        sides = np.tile(original[2:] - original[:2], 2)
        assert (np.abs(copy - original) <= 0.1 * sides + 1e-9).all()
        assert (copy != original).any()


def test_copies_stay_in_the_overlap_and_are_never_empty() -> None:
    for seed in range(200):
        regions = choose([[20, 10, 60, 50], [100, 70, 120, 90]], seed=seed)
        assert (regions >= OVERLAP[[0, 1, 0, 1]]).all()
        assert (regions <= OVERLAP[[2, 3, 2, 3]]).all()
        assert (regions[:, 2:] - regions[:, :2] >= 16).all()


def test_siamese_t10_the_jitter_is_bell_shaped_and_a_tenth_at_most() -> None:
    boxes = np.tile([0.0, 0, 100, 50], (20000, 1))
    shares = (jittered(boxes, 0.1, np.random.default_rng(0)) - boxes) / [100, 50, 100, 50]
    assert np.abs(shares).max() < 0.1
    assert shares.mean() == pytest.approx(0, abs=1e-3)
    assert shares.std() == pytest.approx(0.042, abs=1e-3)  # uniform would be 0.058
    assert np.abs(np.corrcoef(shares.T) - np.eye(4)).max() < 0.03


def test_siamese_t9_no_planned_region_is_lost_in_either_view(run_of) -> None:
    """Thousands of proposals that touch the overlap's borders, in the precision that is stored."""
    run, everything = run_of(regions=10), np.array([[0.0, 0, 640, 480], [0, 0, 300, 480], [300, 0, 640, 480]])
    for draw in range(400):
        pair = plan_pair(run, 7, (480, 640), everything, draw)
        regions, views = pair.regions.astype(np.float32), pair.views.astype(np.float32)
        boxes = inside(regions, views)  # (2, 10, 4)
        assert ((boxes >= 0) & (boxes <= 1)).all()
        assert (boxes[..., 2:] - boxes[..., :2]).min() > 0.01
        areas = (boxes[..., 2:] - boxes[..., :2]).prod(-1)
        assert (areas[:, 1:4] >= 0.05 * areas[:, :1] * 0.999).all()


def test_draws_have_the_statistics_of_the_method(run_of) -> None:
    run, whole = run_of(short=[300], longest=600), np.array([[0.0, 0, 400, 300]])
    kept, ious, flips, firsts = [], [], [], []
    for draw in range(2000):
        pair = plan_pair(run, 1, (300, 400), whole, draw)
        assert pair.size == (300, 400)
        areas = (pair.views[:, 2:] - pair.views[:, :2]).prod(axis=1)
        shared = (pair.regions[0, 2:] - pair.regions[0, :2]).prod()
        kept.append(np.prod(pair.view_size) / (300 * 400))
        ious.append(shared / (areas.sum() - shared))
        flips.append(pair.flipped)
        firsts.append(pair.views[0, 0] < pair.views[1, 0])
    assert np.mean(kept) == pytest.approx(0.66, abs=0.01)
    assert np.mean(ious) == pytest.approx(0.688, abs=0.01)
    assert np.median(ious) == pytest.approx(0.674, abs=0.01)
    assert min(ious) >= 0.5 - 1e-9
    assert np.mean(flips) == pytest.approx(0.5, abs=0.05)
    assert np.mean(firsts) == pytest.approx(0.5, abs=0.05)
