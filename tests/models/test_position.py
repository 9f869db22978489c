"""Sine embeddings and grids, against the formula written out."""

import math

import pytest
import torch

from sdetr.models.position import GridPosition, grid_places, shrink, sine, valid_share


@pytest.mark.parametrize("width, temperature, turns", [(128, 10000.0, 1.0), (12, 20.0, 0.5)])
def test_sine_is_the_formula_in_the_order_y_x_w_h(width: int, temperature: float, turns: float) -> None:
    box = (0.2, 0.7, 0.4, 0.9)
    x, y, w, h = box
    expected = []
    for value in (y, x, w, h):
        for k in range(width):
            angle = turns * 2 * math.pi * value / temperature ** (2 * (k // 2) / width)
            expected.append(math.cos(angle) if k % 2 else math.sin(angle))
    said = sine(torch.tensor([box], dtype=torch.float64), width, temperature, turns)
    torch.testing.assert_close(said[0], torch.tensor(expected, dtype=torch.float64), atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_sine_is_computed_in_single_precision_at_least(dtype: torch.dtype) -> None:
    assert sine(torch.rand(2, 3, 2, dtype=dtype), 8, 10000.0, 1.0).dtype == torch.float32


def test_variants_10_grids_start_at_their_offset_and_end_at_the_last_cell() -> None:
    padding = torch.zeros(2, 4, 5, dtype=torch.bool)
    padding[1, 3:] = padding[1, :, 2:] = True
    plain, centred = grid_places(padding, 0.0), grid_places(padding, -0.5)
    torch.testing.assert_close(plain[0, 0, :, 0], torch.arange(1, 6) / 5, atol=1e-5, rtol=0)
    torch.testing.assert_close(plain[0, :, 0, 1], torch.arange(1, 5) / 4, atol=1e-5, rtol=0)
    torch.testing.assert_close(plain[1, 0, :2, 0], torch.tensor([0.5, 1.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(centred[1, :3, 0, 1], torch.tensor([0.5, 1.5, 2.5]) / 3, atol=1e-5, rtol=0)


def test_variants_10_temperature_and_turns_reach_the_grid() -> None:
    padding = torch.zeros(1, 3, 3, dtype=torch.bool)
    usual = GridPosition(16, 10000.0, 0.0, 1.0)(padding)
    assert usual.shape == (1, 3, 3, 16)
    for other in (GridPosition(16, 20.0, 0.0, 1.0), GridPosition(16, 10000.0, 0.0, 0.5)):
        assert (other(padding) - usual).abs().max() > 0.1
    half = GridPosition(16, 10000.0, 0.0, 0.5)(padding)[0, 1, 1, 0]
    assert half == pytest.approx(math.sin(math.pi * 2 / 3), abs=1e-5)


def test_variants_3_the_mask_shrinks_to_the_nearest_pixel() -> None:
    padding = torch.ones(1, 96, 128, dtype=torch.bool)
    padding[:, :65, :97] = False  # one pixel into a cell is enough
    assert (~shrink(padding, (3, 4)))[0].tolist() == [[True] * 4] * 3
    padding = torch.ones(1, 100, 100, dtype=torch.bool)
    padding[:, :73, :80] = False  # cells look at pixels 0, 25, 50 and 75
    assert (~shrink(padding, (4, 4)))[0].tolist() == [[True] * 4] * 3 + [[False] * 4]


def test_valid_share_counts_columns_and_rows() -> None:
    padding = torch.zeros(2, 4, 8, dtype=torch.bool)
    padding[1, 3:] = padding[1, :, 6:] = True
    assert valid_share(padding).tolist() == [[1.0, 1.0], [0.75, 0.75]]
