"""Two rectangles whose IoU is bounded by construction, and boxes seen from within."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.views.geometry import flipped, inside, outer_rectangle, overlap_of, overlap_side, pair_around

SHARES = st.floats(0, 1)
TAUS = st.floats(0.05, 0.95)
OUTERS = st.tuples(*[st.integers(0, 300)] * 2, *[st.integers(8, 900)] * 2).map(
    lambda r: np.array([r[0], r[1], r[0] + r[2], r[1] + r[3]], np.float64)
)


def area(box: np.ndarray) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def common(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return np.array([*np.maximum(one[:2], two[:2]), *np.minimum(one[2:], two[2:])])


def iou(one: np.ndarray, two: np.ndarray) -> float:
    shared = area(common(one, two))
    return shared / (area(one) + area(two) - shared)


@pytest.mark.parametrize(("tau", "side"), [(0.5, 0.68990), (0.3, 0.51442), (0.7, 0.83064)])
def test_the_overlaps_side_is_the_root_of_its_equation(tau: float, side: float) -> None:
    t = overlap_side(tau)
    assert t == pytest.approx(side, abs=5e-6)
    assert (tau + 2) * t**2 - 2 * tau * t - tau == pytest.approx(0, abs=1e-12)


def test_the_overlap_and_views_of_a_known_rectangle() -> None:
    outer = np.array([0.0, 0, 400, 300])
    assert overlap_of(outer, 0.5) == pytest.approx([62.020, 46.515, 337.980, 253.485], abs=1e-3)
    one, two = pair_around(outer, 0.5, (0, 0))
    assert one == pytest.approx([0, 0, 337.980, 253.485], abs=1e-3)
    assert two == pytest.approx([62.020, 46.515, 400, 300], abs=1e-3)


@given(OUTERS, TAUS, SHARES, SHARES)
def test_views_meet_in_the_overlap_with_at_least_the_iou(
    outer: np.ndarray, tau: float, u: float, v: float
) -> None:
    one, two = pair_around(outer, tau, (u, v))
    assert common(one, two) == pytest.approx(overlap_of(outer, tau))
    assert iou(one, two) >= tau - 1e-9
    for view in (one, two):
        assert np.allclose(common(view, outer), view)
        sides = (view[2:] - view[:2]) / (outer[2:] - outer[:2])
        assert sides[0] == pytest.approx(sides[1])  # the outer rectangle's shape


@given(OUTERS, TAUS)
def test_unshrunk_views_have_exactly_the_iou_and_shrunk_ones_are_the_overlap(
    outer: np.ndarray, tau: float
) -> None:
    assert iou(*pair_around(outer, tau, (0, 0))) == pytest.approx(tau, abs=1e-9)
    assert iou(*pair_around(outer, tau, (1, 1))) == pytest.approx(1, abs=1e-9)


@given(st.integers(0, 99), st.tuples(st.integers(10, 500), st.integers(10, 500)))
def test_the_outer_rectangle_lies_in_the_image_on_whole_pixels(seed: int, size: tuple[int, int]) -> None:
    box = outer_rectangle(size, (0.5, 1.0), (3 / 4, 4 / 3), np.random.default_rng(seed))
    assert (box == box.round()).all()
    assert (box[:2] >= 0).all()
    assert (box[2:] > box[:2]).all()
    assert (box[2:] <= [size[1], size[0]]).all()
    share, side = area(box) / (size[0] * size[1]), max(size) / min(size)
    rounding = 2 / min(size)
    assert share >= (0.5 if side <= 4 / 3 * 2 else 0) - rounding
    aspect = (box[2] - box[0]) / (box[3] - box[1])
    assert 3 / 4 * (1 - rounding) - 0.1 <= aspect <= 4 / 3 * (1 + rounding) + 0.1


@pytest.mark.parametrize(
    ("size", "expected"),
    [((100, 500), (183, 0, 316, 100)), ((500, 100), (0, 183, 100, 316)), ((90, 100), (0, 0, 100, 90))],
)
def test_where_no_draw_fits_the_middle_is_taken(
    size: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    never = (4.0, 4.0)  # four times the image
    found = outer_rectangle(size, never, (3 / 4, 4 / 3), np.random.default_rng(0))
    assert tuple(found) == expected


def test_flipping_twice_changes_nothing_and_once_mirrors() -> None:
    boxes = np.array([[1.0, 2, 11, 22], [0, 0, 50, 40]])
    assert (flipped(flipped(boxes, 50), 50) == boxes).all()
    assert flipped(boxes, 50).tolist() == [[39, 2, 49, 22], [0, 0, 50, 40]]


@given(OUTERS, TAUS, SHARES, SHARES)
def test_siamese_t9_no_box_leaves_a_view_by_rounding(
    outer: np.ndarray, tau: float, u: float, v: float
) -> None:
    views = pair_around(outer, tau, (u, v)).astype(np.float32)
    overlap = overlap_of(outer, tau).astype(np.float32)
    fractions = inside(overlap[None], views)  # (2, 1, 4)
    assert ((fractions >= 0) & (fractions <= 1)).all()
    assert (fractions[..., 2:] > fractions[..., :2]).all()
    low, high = views[:, None, [0, 1, 0, 1]], views[:, None, [2, 3, 2, 3]]
    error_px = np.abs(low + fractions * (high - low) - overlap)
    assert error_px.max() < 1e-3


def test_what_rounding_puts_outside_a_view_is_put_back() -> None:
    view = np.array([10.0, 20, 110, 70])
    boxes = np.array([[10 - 1e-4, 20, 110 + 1e-4, 45], [60, 20 - 1e-5, 110, 70 + 1e-5]])
    assert inside(boxes, view) == pytest.approx(np.array([[0, 0, 1, 0.5], [0.5, 0, 1, 1]]), abs=1e-12)
    assert ((inside(boxes, view) >= 0) & (inside(boxes, view) <= 1)).all()
