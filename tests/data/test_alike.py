"""Groups of images of alike shape: a partition that pads little."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.data.alike import alike
from sdetr.data.padding import Padding

PLAIN = Padding(1)


@st.composite
def pools(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Sizes, and a number of groups."""
    side = st.integers(1, 60)
    sizes = draw(st.lists(st.tuples(side, side), min_size=1, max_size=40))
    return np.array(sizes), draw(st.integers(1, len(sizes)))


def pixels(sizes: np.ndarray, groups: list[np.ndarray], cell_px: int = 1) -> int:
    return sum(len(rows) * int(Padding(cell_px)(sizes[rows].max(0)).prod()) for rows in groups)


@given(pools(), st.sampled_from([1, 8]))
def test_each_image_is_in_one_group_and_groups_are_equal_in_number(
    pool: tuple[np.ndarray, int], cell_px: int
) -> None:
    sizes, count = pool
    groups = alike(sizes, count, Padding(cell_px))
    each = len(sizes) // count
    assert [len(rows) for rows in groups] == [each] * count
    assert sorted(np.concatenate(groups).tolist()) == list(range(each * count))
    assert pixels(sizes, groups, cell_px) <= pixels(sizes, [np.arange(each * count)], cell_px)


@given(st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.permutations(range(1, 2 * n + 1))] * 2)))
def test_two_groups_are_the_best_that_a_line_can_part(sides: tuple[list[int], list[int]]) -> None:
    """Against every way to part them, kept where a height or a width tells the two apart."""
    sizes = np.array(sides).T
    n = len(sizes)
    ways = [
        [np.array(low), np.array([i for i in range(n) if i not in low])]
        for low in itertools.combinations(range(n), n // 2)
    ]
    best = min(
        pixels(sizes, [low, high])
        for low, high in ways
        if (sizes[low].max(axis=0) < sizes[high].min(axis=0)).any()
    )
    assert pixels(sizes, alike(sizes, 2, PLAIN)) == best


@pytest.mark.parametrize("count", [2, 6, 24])
def test_shapes_that_can_be_kept_apart_are(count: int) -> None:
    """Twelve of each of some shapes, mixed: no group holds two, and nothing is padded."""
    shapes = np.array([(30 + 7 * i, 90 - 3 * i) for i in range(count)])
    sizes = np.random.default_rng(0).permutation(np.repeat(shapes, 12, axis=0))
    assert pixels(sizes, alike(sizes, 2 * count, PLAIN)) == sizes.prod(axis=1).sum()


def test_images_of_one_shape_keep_their_order() -> None:
    groups = alike(np.full((400, 2), 7), 100, PLAIN)
    assert sorted(rows.tolist() for rows in groups) == [[4 * i + k for k in range(4)] for i in range(100)]


def test_many_groups_of_one_shape_are_halved_not_peeled() -> None:
    looked = []

    def padded(sizes: np.ndarray) -> np.ndarray:
        looked.append(len(sizes))
        return sizes

    alike(np.full((2000, 2), 7), 1000, padded)
    assert sum(looked) < 4 * 1000 * 11  # both parts, both sides; ten halvings
