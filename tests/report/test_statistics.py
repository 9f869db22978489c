"""Closed forms for what a table says about a few numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.report.statistics import Summary, signed, summarise

percent = st.floats(min_value=0, max_value=100)


@pytest.mark.parametrize("n", [2, 3, 10, 101])
def test_the_first_numbers_have_their_closed_forms(n):
    found = summarise([float(k) for k in range(1, n + 1)])
    assert found is not None
    assert found.mean == pytest.approx((n + 1) / 2)
    assert found.std == pytest.approx(math.sqrt(n * (n + 1) / 12))
    assert found.n == n


@given(percent, percent)
def test_two_values_deviate_by_their_difference_over_root_two(one, two):
    found = summarise([one, two])
    assert found is not None and found.std is not None
    assert found.mean == pytest.approx((one + two) / 2)
    assert found.std == pytest.approx(abs(one - two) / math.sqrt(2), abs=1e-9)


@given(st.lists(percent, min_size=2, max_size=8), st.floats(min_value=-50, max_value=50))
def test_a_shift_moves_the_mean_and_keeps_the_deviation(values, shift):
    before, after = summarise(values), summarise([value + shift for value in values])
    assert before is not None and after is not None
    assert after.mean == pytest.approx(before.mean + shift, abs=1e-9)
    assert after.std == pytest.approx(before.std, abs=1e-6)


def test_one_value_has_no_deviation_and_no_value_no_summary():
    assert summarise([41.26]) == Summary(41.26, None, 1)
    assert summarise([]) is None


@pytest.mark.parametrize(
    "summary, text",
    [
        (Summary(41.26, None, 1), "41.3"),
        (Summary(41.26, 0.04, 2), "41.3 ± 0.0"),
        (Summary(0.0, 12.0, 3), "0.0 ± 12.0"),
    ],
)
def test_numbers_are_shown_with_one_decimal(summary, text):
    assert str(summary) == text


@pytest.mark.parametrize("value, text", [(0.24, "+0.2"), (-1.26, "-1.3"), (-0.04, "+0.0"), (0.0, "+0.0")])
def test_a_difference_shows_its_sign_and_nothing_is_never_negative(value, text):
    assert signed(value) == text
