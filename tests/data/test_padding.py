"""To what a batch is padded, and why to a multiple of the backbone's stride."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from sdetr.data.padding import COARSE, Padding
from sdetr.models.position import grid_places, shrink

Side = st.integers(1, 300)
Some = st.lists(st.tuples(Side, Side), min_size=1, max_size=60).map(np.array)


@given(Some, st.integers(1, 40))
def test_sides_become_the_next_multiple(sizes: np.ndarray, cell_px: int) -> None:
    sides = Padding(cell_px)(sizes)
    assert (sides % cell_px == 0).all()
    assert ((sides >= sizes) & (sides < sizes + cell_px)).all()


@given(Some, Some, st.sampled_from([1, 8, 32]), st.integers(1, 12))
def test_an_image_gets_the_smallest_learned_shape_that_holds_it(
    seen: np.ndarray, sizes: np.ndarray, cell_px: int, count: int
) -> None:
    padding = Padding.learned(seen, count, cell_px)
    largest = seen[: len(seen) // min(count, len(seen)) * min(count, len(seen))]
    shapes = {tuple(shape) for shape in padding(largest).tolist()}
    assert len(shapes) <= count
    for size, shape in zip(sizes.tolist(), padding(sizes).tolist(), strict=True):
        assert shape[0] >= size[0] and shape[1] >= size[1]
        holding = [h * w for h, w in shapes if h >= size[0] and w >= size[1]]
        if holding:
            assert shape[0] * shape[1] <= min(holding)
        else:
            assert all(side % (COARSE * cell_px) == 0 or tuple(shape) in shapes for side in shape)


def test_shapes_are_close_together_where_images_are() -> None:
    rng = np.random.default_rng(0)
    common, rare = rng.integers(200, 264, (900, 2)), rng.integers(200, 800, (100, 2))
    shapes = Padding.learned(np.concatenate([common, rare]), 20, 1)
    waste = [shapes(sizes).prod(1).sum() / sizes.prod(1).sum() for sizes in (common, rare)]
    assert waste[0] < 1.3 < waste[1]


@given(st.integers(1, 250), st.integers(1, 250), st.integers(0, 4), st.integers(0, 4))
def test_in_whole_cells_an_image_has_the_same_cells_and_places_however_much_is_padded(
    height: int, width: int, below: int, beside: int
) -> None:
    """Beside larger images, too: positions are fractions of the unpadded image."""
    alone, among = (_places((height, width), more) for more in ((0, 0), (below, beside)))
    assert alone.shape == among.shape
    assert torch.allclose(alone, among, atol=1e-5)


def test_in_broken_cells_an_image_has_other_cells_beside_a_larger_one() -> None:
    """Why `multiple_px` is a multiple of the stride where batches are padded."""
    padding = torch.ones(1, 500, 500, dtype=torch.bool)
    padding[:, :313, :] = False  # ten cells of 32 px in a view of its own
    assert int((~shrink(padding, (16, 16)))[0, :, 0].sum()) == 11


def _places(size: tuple[int, int], more: tuple[int, int]) -> torch.Tensor:
    """(h, w, 2) of the image's own cells, of 32 px, with `more` cells of padding."""
    cells = [-(-side // 32) for side in size]
    shape = [own + extra for own, extra in zip(cells, more, strict=True)]
    padding = torch.ones(1, 32 * shape[0], 32 * shape[1], dtype=torch.bool)
    padding[:, : size[0], : size[1]] = False
    mask = shrink(padding, (shape[0], shape[1]))
    inside = ~mask[0]
    assert inside[: cells[0], : cells[1]].all() and int(inside.sum()) == cells[0] * cells[1]
    return grid_places(mask, 0.0)[0, : cells[0], : cells[1]]
