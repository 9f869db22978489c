"""A drawn curve shows what the points say, whatever they are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.report.chart import BOTTOM, HEIGHT, LEFT, MOST, RIGHT, TOP, WIDTH, curve

VALUES = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))
CURVES = st.lists(VALUES, min_size=1, max_size=60).map(lambda ys: list(enumerate(ys)))


def drawn(svg: str) -> list[tuple[float, float]]:
    points = re.search(r'<polyline points="([^"]*)"', svg)[1]
    return [tuple(map(float, pair.split(","))) for pair in points.split()]


def labels(svg: str, anchor: str) -> list[str]:
    return re.findall(rf'text-anchor="{anchor}">([^<]*)<', svg)


@given(CURVES)
def test_every_point_is_inside_the_axes_and_higher_values_are_higher(points):
    places = drawn(curve("c", points))
    assert len(places) == len(points)
    for x, y in places:
        assert LEFT <= x <= WIDTH - RIGHT
        assert TOP - 0.1 <= y <= HEIGHT - BOTTOM + 0.1
    for (_, value), (_, y), (_, other), (_, beside) in zip(
        points, places, points[1:], places[1:], strict=False
    ):
        assert (value <= other) or (y <= beside)


@given(CURVES)
def test_axes_hold_zero_and_all_values_with_few_ticks(points):
    ticks = [
        float(words)
        for words in re.findall(r'x="41" y="[^"]*" text-anchor="end">([^<]*)<', curve("c", points))
    ]
    values = [0.0, *(value for _, value in points)]
    slack = 1e-3 * (max(values) - min(values))
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= min(values) + slack and ticks[-1] >= max(values) - slack


def test_a_long_curve_is_thinned_and_keeps_its_peaks():
    points = [(step, 1.0) for step in range(100_000)]
    points[54_321] = (54_321, 9.0)
    svg = curve("c", points)
    places = drawn(svg)
    assert len(places) <= MOST + 1
    assert min(y for _, y in places) < places[0][1] - 50, "the peak is there"
    assert len(svg) < 10_000


def test_words_say_the_ends_and_a_single_point_is_a_dot():
    assert 'aria-label="loss: from 3 at step 0 to 1.5 at step 10"' in curve("loss", [(0, 3.0), (10, 1.5)])
    single = curve("loss", [(0, 0.0)])
    assert "<circle" in single and "loss: 0 at step 0" in single


def test_a_name_cannot_leave_its_place():
    assert "<script>" not in curve('"><script>alert(1)</script>', [(0, 1.0)])


def test_nothing_is_no_curve():
    with pytest.raises(ValueError, match="curve loss: no points"):
        curve("loss", [])
