"""Bold stands where chance does not explain it, and chance is that of images and of seeds."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from sdetr.evaluation.resamples import Resamples
from sdetr.report.lead import Standing, before, lead

DRAWS = 400


def standing(row, values, chance, draws="the same"):
    """A row whose runs are its values plus the chance of (B,) drawn images, or (n, B)."""
    chance = np.broadcast_to(chance, (len(values), DRAWS))
    resamples = tuple(
        Resamples(50, draws, {"AP": value + of_run}) for value, of_run in zip(values, chance, strict=True)
    )
    runs = tuple(f"{row}/seed{n}" for n in range(len(values)))
    return Standing(row, runs, {"AP": tuple(values)}, resamples)


def chance(seed, deviation=1.0):
    drawn = np.random.default_rng(seed).normal(0, deviation, DRAWS)
    return drawn - drawn.mean()


seeds = st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=5)


@given(seeds, st.integers(0, 1000))
def test_the_same_predictions_are_never_before_each_other(values, seed):
    found = lead("AP", [standing("one", values, chance(seed)), standing("two", values, chance(seed))])
    assert found is not None and found.difference == 0 and not found.holds


@given(st.integers(0, 1000), st.floats(min_value=0.01, max_value=5))
def test_what_is_better_on_every_draw_is_before_however_much_images_vary(seed, better):
    images = chance(seed, deviation=30)  # shared: a hard image is hard for both
    found = lead("AP", [standing("one", [40.0], images), standing("two", [40.0 + better], images)])
    assert found is not None and (found.best, found.next) == ("two", "one") and found.holds
    assert (found.low, found.high) == pytest.approx((better, better))


@given(seeds, seeds, st.integers(0, 1000))
@settings(deadline=None)
def test_the_interval_contains_the_plain_difference_and_no_order_of_rows_changes_it(one, two, seed):
    rows = [standing("one", one, chance(seed)), standing("two", two, chance(seed + 1, 2.0))]
    rows.append(standing("last", [-9.0], chance(0)))
    found = lead("AP", rows)
    assert found is not None and {found.best, found.next} == {"one", "two"}
    assert found.difference == pytest.approx(abs(np.mean(one) - np.mean(two)))
    assert found.low <= found.difference + 1e-9 and found.difference <= found.high + 1e-9
    if found.difference:
        assert all(lead("AP", list(order)) == found for order in itertools.permutations(rows))


@pytest.mark.parametrize("n, of_images", [(2, 0.0), (3, 0.0), (3, 1.0), (5, 0.5), (1, 50.0)])
def test_of_equal_rows_about_one_in_twenty_seems_better(n, of_images):
    rng = np.random.default_rng(n)
    trials, held = 400, 0
    for _ in range(trials):
        these = rng.normal(0, max(of_images, 1e-9))  # what the test images at hand do to the difference
        one, two = rng.normal(0, 1, (2, n))
        drawn = rng.normal(0, max(of_images, 1e-9), DRAWS)
        found = lead("AP", [standing("one", one + these, drawn), standing("two", two, np.zeros(DRAWS))])
        held += found is not None and found.holds
    assert held / trials < 0.09


@given(
    st.lists(st.floats(min_value=0, max_value=100), min_size=2, max_size=5),
    st.floats(min_value=0.01, max_value=5),
)
def test_what_is_better_on_every_draw_of_the_labels_is_before_however_much_draws_vary(values, better):
    rows = [standing("own", [v + better for v in values], 0.0), standing("scratch", values, 0.0)]
    found = lead("AP", rows, paired=True)
    assert found is not None and (found.best, found.holds) == ("own", True)
    assert (found.low, found.high) == pytest.approx((better, better), abs=1e-6)


@given(st.lists(st.floats(min_value=-5, max_value=5), min_size=2, max_size=5), st.integers(0, 1000))
@settings(deadline=None)
def test_of_pairs_without_chance_of_images_the_interval_is_the_paired_t_tests(differences, seed):
    draws = np.random.default_rng(seed).normal(30, 9, len(differences))
    rows = [standing("own", draws + differences, 0.0), standing("scratch", draws, 0.0)]
    found = lead("AP", rows, paired=True)
    assert found is not None
    sign = 1 if found.best == "own" else -1
    error = np.std(differences, ddof=1) / len(differences) ** 0.5
    half = student.ppf(0.975, len(differences) - 1) * error
    middle = sign * np.mean(differences)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-6)


@pytest.mark.parametrize("n, of_images", [(2, 0.0), (3, 0.0), (3, 1.0), (5, 0.5)])
def test_pairs_of_equal_rows_seem_better_as_rarely_and_a_gain_is_seen_more_often(n, of_images):
    """Labels of a seed do the same to both rows, and more than the seed does."""
    rng = np.random.default_rng(n)
    trials, held = 400, {(gain, paired): 0 for gain in (0.0, 3.0) for paired in (False, True)}
    for _ in range(trials):
        these, drawn = rng.normal(0, max(of_images, 1e-9)), rng.normal(0, max(of_images, 1e-9), DRAWS)
        labels, (one, two) = rng.normal(0, 4, n), rng.normal(0, 0.7, (2, n))
        for gain, paired in held:
            own = standing("own", labels + one + these + gain, drawn)
            found = lead("AP", [own, standing("scratch", labels + two, np.zeros(DRAWS))], paired)
            held[gain, paired] += found is not None and found.holds
    assert held[0.0, True] / trials < 0.09
    assert held[3.0, True] > 1.5 * held[3.0, False]


@given(seeds, st.integers(0, 1000), st.integers(2, 6), st.booleans())
@settings(deadline=None)
def test_the_more_others_the_best_was_chosen_from_the_less_it_says_that_a_row_is_worse(
    values, seed, among, paired
):
    own = standing("own", [value / 2 for value in values], chance(seed))
    best = standing("best", values, chance(seed + 1))
    one, several = (before("AP", own, best, paired, k) for k in (1, among))
    assert one is not None and several is not None
    assert several.high > one.high and several.low == one.low


@pytest.mark.parametrize("others", [1, 3])
def test_of_equal_rows_about_one_in_forty_seems_worse_than_the_best_of_the_others(others):
    rng = np.random.default_rng(others)
    trials, worse = 400, 0
    for _ in range(trials):
        own, *rows = (standing(str(n), rng.normal(0, 1, 5), 0.0) for n in range(others + 1))
        best = max(rows, key=lambda row: row.mean("AP"))
        found = before("AP", own, best, paired=True, among=others)
        worse += found is not None and found.high < 0
    assert worse / trials < 0.05


def test_rows_of_which_one_lacks_a_seed_are_no_pairs():
    rows = [standing("one", [40.0, 41.0], chance(0)), standing("two", [30.0], chance(0))]
    with pytest.raises(ValueError, match="one has seed0, seed1, two seed0, but their column says"):
        lead("AP", rows, paired=True)
    assert lead("AP", rows) is not None


def test_seeds_of_which_three_are_above_three_others_by_their_spread_are_not_before():
    """The plain bootstrap, 3 of 3 seeds drawn, calls this a lead; so few seeds say less."""
    one, two = [1.0, 2.0, 3.0], [3.5, 4.5, 5.5]
    found = lead("AP", [standing("one", one, chance(0, 0.1)), standing("two", two, chance(0, 0.1))])
    assert found is not None and found.difference == pytest.approx(2.5)
    assert found.low == pytest.approx(2.5 - 2.776 * (2 / 3) ** 0.5, abs=0.6)
    far = lead("AP", [standing("one", one, chance(0, 0.1)), standing("two", [11, 12, 13], chance(0, 0.1))])
    assert far is not None and far.holds


def test_drawn_seeds_vary_as_the_mean_of_all_of_them_does():
    """Of n draws of n seeds the mean varies less, by (n - 1) / n."""
    values, nothing = (10.0, 11.31, 12.87, 13.2, 14.73), np.zeros(20_000)
    runs = tuple(f"seed{n}" for n in range(5))
    five = Standing(
        "five", runs, {"AP": values}, tuple(Resamples(9, "d", {"AP": v + nothing}) for v in values)
    )
    one = Standing("one", ("alone",), {"AP": (0.0,)}, (Resamples(9, "d", {"AP": nothing}),))
    found = lead("AP", [five, one])
    error = np.std(values, ddof=1) / 5**0.5
    assert found is not None
    assert (found.high - found.low) / 2 == pytest.approx(2.776 * error, rel=0.06)  # Student's t of 4


def test_nobody_leads_alone_nor_before_a_row_that_predicted_nothing():
    row = standing("one", [40.0], chance(0))
    curve = Standing("curve", ("a",), {"AP": (10.0,)}, ())
    absent = Standing("absent", (), {"AP": ()}, ())
    other = Standing("other", ("b",), {"AP": (20.0,)}, (Resamples(50, "the same", {"AP50": chance(0)}),))
    nothing = standing("nothing", [30.0], np.full(DRAWS, np.nan))
    for rows in ([], [row], [row, absent], [row, curve], [row, other], [row, nothing]):
        assert lead("AP", rows) is None
    assert lead("AP", [row, curve, standing("two", [39.0], chance(1))]) is not None


def test_draws_without_a_number_are_left_out():
    values = chance(0)
    values[:100] = np.nan
    found = lead("AP", [standing("one", [40.0], values), standing("two", [50.0], np.zeros(DRAWS))])
    assert found is not None and found.holds and found.low < 10 < found.high


def test_draws_of_other_images_are_refused():
    rows = [standing("one", [40.0], chance(0)), standing("two", [41.0], chance(0), draws="others")]
    with pytest.raises(ValueError, match=r"two/seed0 and one/seed0 .* drew different images; evaluate both"):
        lead("AP", rows)
