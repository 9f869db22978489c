"""Laws of batches of alike shape: what changes is who meets whom, and nothing else."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.data.buckets import SEEN, Buckets
from sdetr.data.passes import Ints, Passes, Place
from sdetr.data.settings import AS_DRAWN, BucketSettings

STREAM = 4
Asked = list[tuple[int, int]]


def sizes_of(turn: int, rows: Ints) -> Ints:
    """Sizes that depend on pass and row."""
    draws = [np.random.default_rng((turn, row)).integers(50, 200, 2) for row in rows.tolist()]
    return np.array(draws)


def made(counts: list[int], batch: int, seed: int = 0, sizes=sizes_of, **settings: int) -> Buckets:
    return Buckets(Passes(STREAM, counts, batch, seed), BucketSettings(**settings), sizes)


def members(buckets: Buckets, steps: range) -> Counter[Place]:
    return Counter(place for step in steps for place in buckets.places(step))


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 9), st.integers(0, 3))
def test_a_pool_has_the_images_that_it_would_have_had_and_a_pass_each_once(
    images: int, batch: int, pool: int, seed: int
) -> None:
    plain = Passes(STREAM, [images, images + 3], batch, seed)
    buckets = made([images, images + 3], batch, seed, pool=pool, multiple_px=4, shapes=3)
    per_pass = buckets.steps_per_pass
    assert per_pass == plain.steps_per_pass
    for turn in range(2):
        steps = range(turn * per_pass, (turn + 1) * per_pass)
        for first in steps[::pool]:
            some = range(first, min(first + pool, steps.stop))
            assert members(buckets, some) == Counter(place for step in some for place in plain.places(step))
        if images >= batch:
            assert set(members(buckets, steps).values()) == {1}
    assert all(len(buckets.places(step)) == batch for step in range(2 * per_pass))


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12))
def test_a_batch_depends_on_its_step_alone(steps: list[int]) -> None:
    """In any order, and from any start, as several workers ask for them."""
    straight = made([50], 4, pool=5, multiple_px=8, shapes=4)
    want = [straight.places(step) for step in range(61)]
    jumping = made([50], 4, pool=5, multiple_px=8, shapes=4)
    for step in steps:
        assert jumping.places(step) == want[step]
        shape = [(30, 70 + step), (90, 20)]
        assert jumping.shape(shape) == straight.shape(shape)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=3), st.integers(0, 5))
def test_a_pass_is_an_order_of_the_draw_whose_turn_it_is(counts: list[int], turn: int) -> None:
    order = Passes(STREAM, counts, 4, 0).order(turn)
    assert sorted(order.tolist()) == list(range(counts[turn % len(counts)]))


@pytest.mark.parametrize("pool", [1, 7])
def test_seeds_and_passes_compose_other_batches(pool: int) -> None:
    one, other = (made([28], 4, seed, pool=pool) for seed in (0, 1))
    batches = [[place.row for place in one.places(step)] for step in range(14)]
    assert batches[:7] != batches[7:]
    assert batches[:7] != [[place.row for place in other.places(step)] for step in range(7)]


def test_as_the_papers_do_nothing_is_asked_about_shapes_and_nothing_is_added_to_them() -> None:
    def asked(*_: object) -> Ints:
        raise AssertionError("shapes of a whole pool")

    buckets = Buckets(Passes(STREAM, [20], 4, 0), AS_DRAWN, asked)
    plain = Passes(STREAM, [20], 4, 0)
    assert [buckets.places(step) for step in range(9)] == [plain.places(step) for step in range(9)]
    assert buckets.shape([(37, 11), (13, 41)]) == (37, 41)


def test_batches_do_not_come_sorted_and_chance_orders_them_in_every_pool() -> None:
    """Areas of the batches of a pool, in ranks: no pool goes up or down, no two pools alike."""
    buckets = made([640], 4, pool=16)
    ranks = []
    for pool in range(10):
        areas = []
        for step in range(16 * pool, 16 * pool + 16):
            places = buckets.places(step)
            areas.append(np.prod(sizes_of(0, np.array([place.row for place in places])).max(0)))
        ranks.append(np.argsort(np.argsort(areas)))
    trends = [np.corrcoef(rank, np.arange(16))[0, 1] for rank in ranks]
    assert max(map(abs, trends)) < 0.9 and abs(np.mean(trends)) < 0.25


def test_every_pool_of_every_pass_and_seed_has_an_order_of_its_own() -> None:
    """Where all images are alike, only chance can tell one pool's order from another's."""
    orders = set()
    for seed in (0, 1):
        buckets = made([96], 2, seed, sizes=lambda _, rows: np.full((len(rows), 2), 5), pool=16)
        for first in range(0, 96, 16):
            turn, start = divmod(first, 48)
            pass_order = buckets._passes.order(turn).tolist()
            places = [buckets.places(step)[0] for step in range(first, first + 16)]
            orders.add(tuple(pass_order.index(place.row) - 2 * start for place in places))
    assert len(orders) == 12


def test_in_a_batch_images_are_in_the_order_of_the_pass() -> None:
    """Not by size: parts of a batch that accumulate are as mixed as the batch."""
    buckets = made([60], 6, pool=5)
    order = buckets._passes.order(0).tolist()
    for step in range(10):
        positions = [order.index(place.row) for place in buckets.places(step)]
        assert positions == sorted(positions)


def test_batches_of_alike_shape_are_padded_less() -> None:
    def padded(buckets: Buckets) -> float:
        pixels = real = 0.0
        for step in range(buckets.steps_per_pass):
            sizes = sizes_of(0, np.array([place.row for place in buckets.places(step)]))
            pixels += len(sizes) * np.prod(buckets.shape([(h, w) for h, w in sizes.tolist()]))
            real += sizes.prod(axis=1).sum()
        return pixels / real

    assert padded(made([2048], 8)) > 2
    assert padded(made([2048], 8, pool=64, multiple_px=8)) < 1.2
    assert padded(made([2048], 8, pool=64, multiple_px=8, shapes=48)) < 1.3


def test_padded_shapes_come_again() -> None:
    def shapes(**settings: int) -> int:
        buckets = made([2048], 8, pool=64, **settings)
        sizes = [sizes_of(0, np.array([p.row for p in buckets.places(k)])) for k in range(256)]
        return len({buckets.shape([(h, w) for h, w in one.tolist()]) for one in sizes})

    assert shapes() > 200
    assert shapes(multiple_px=8, shapes=24) <= 24 + 6  # rare ones beside them


def test_a_pool_is_composed_once_and_nobody_reads_the_sizes_of_a_whole_pass() -> None:
    asked: Asked = []

    def sizes(turn: int, rows: Ints) -> Ints:
        asked.append((turn, len(rows)))
        return sizes_of(turn, rows)

    buckets = made([100_000], 2, sizes=sizes, pool=3, multiple_px=8, shapes=2)
    for step in (50_001, 50_002, 50_000):  # of the second pass
        buckets.places(step)
    assert sorted(asked) == [(0, 2 * SEEN), (1, 6)]
