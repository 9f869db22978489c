"""Deformable attention against its definition, one sample at a time, and what its layers promise."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sdetr.models.deformable import DeformableAttention, on_levels, sample
from sdetr.models.position import cell_centres
from sdetr.types import Memory
from tests.models.small import bare_memory, model_settings, randomise

SHAPES = [(3, 4), (2, 2)]
HEADS, POINTS, D = 2, 3, 4


def inputs(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Values, places in and outside the levels, weights."""
    generator = torch.Generator().manual_seed(seed)
    made = {"generator": generator, "dtype": torch.float64}
    value = torch.randn(2, 16, HEADS, D, **made)
    places = 1.6 * torch.rand(2, 5, HEADS, 2, POINTS, 2, **made) - 0.3
    weights = torch.rand(2, 5, HEADS, 2, POINTS, **made)
    return value, places, weights


def plain(value: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Loops over everything; a corner outside its level counts as zero."""
    out = torch.zeros(2, 5, HEADS, D, dtype=torch.float64)
    for image, query, head in ((b, q, m) for b in range(2) for q in range(5) for m in range(HEADS)):
        start = 0
        for level, (h, w) in enumerate(SHAPES):
            for point in range(POINTS):
                x, y = (places[image, query, head, level, point] * torch.tensor([w, h]) - 0.5).tolist()
                for row in (math.floor(y), math.floor(y) + 1):
                    for column in (math.floor(x), math.floor(x) + 1):
                        if 0 <= row < h and 0 <= column < w:
                            share = (1 - abs(y - row)) * (1 - abs(x - column))
                            cell = value[image, start + row * w + column, head]
                            out[image, query, head] += (
                                weights[image, query, head, level, point] * share * cell
                            )
            start += h * w
    return out.flatten(2)


def test_samples_are_bilinear_with_cell_centres_at_half_and_zero_outside() -> None:
    torch.testing.assert_close(sample(*inputs(), SHAPES), plain(*inputs()), atol=1e-13, rtol=0)


def test_gradients_are_those_of_finite_differences() -> None:
    given = tuple(tensor.requires_grad_() for tensor in inputs())
    assert torch.autograd.gradcheck(lambda *tensors: sample(*tensors, SHAPES), given)


def attention(**changes: object) -> DeformableAttention:
    return DeformableAttention(model_settings("deformable", **changes))


def test_heads_look_their_own_ways_at_first_one_cell_further_with_every_point() -> None:
    made = attention()
    assert not made.offsets.weight.any() and not made.weights.weight.any() and not made.weights.bias.any()
    star = made.offsets.bias.view(8, 4, 4, 2)
    ways = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]
    for head, way in enumerate(ways):
        for level in range(4):
            expected = torch.arange(1.0, 5)[:, None] * torch.tensor(way)
            torch.testing.assert_close(star[head, level], expected, atol=1e-5, rtol=0)


def memory(seed: int = 0) -> Memory:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(4, 6), (2, 3), (1, 2), (1, 1)]
    padding = torch.zeros(2, 33, dtype=torch.bool)
    padding[1, [3, 4, 5, 9, 10, 11]] = True
    tokens = torch.randn(2, 33, 64, generator=generator)
    return bare_memory(tokens, padding, torch.zeros_like(tokens), shapes)


@torch.no_grad()
def test_variants_18_padded_tokens_count_as_zero_after_the_projection() -> None:
    made, known = randomise(attention()), memory()
    query, reference = torch.randn(2, 5, 64), torch.rand(2, 5, 4, 2)
    loud = known.tokens + 100.0 * known.padding[..., None]
    said = made.mix(query, reference, known.tokens, known)
    torch.testing.assert_close(made.mix(query, reference, loud, known), said)
    nothing = replace(known, padding=torch.ones_like(known.padding))  # the projection's bias is gone, too
    torch.testing.assert_close(made.mix(query, reference, known.tokens, nothing)[0, 0], made.out.bias)


@torch.no_grad()
@pytest.mark.parametrize("width", [2, 4])
def test_offsets_count_cells_around_a_point_and_half_sides_around_a_box(width: int) -> None:
    made, known = attention(), memory()
    made.weights.weight.zero_()
    reference = 0.3 + 0.2 * torch.rand(2, 5, 4, width)
    value = made.value(known.tokens).masked_fill(known.padding[..., None], 0).view(2, 33, 8, 8)
    star = made.offsets.bias.view(8, 4, 4, 2)
    if width == 2:
        sizes = torch.tensor([[w, h] for h, w in known.shapes])[:, None]
        places = reference[:, :, None, :, None] + star / sizes
    else:
        places = reference[:, :, None, :, None, :2] + star / 4 * reference[:, :, None, :, None, 2:] / 2
    weights = torch.full((2, 5, 8, 4, 4), 1 / 16)
    expected = made.out(sample(value, places, weights, known.shapes))
    said = made.mix(torch.randn(2, 5, 64), reference, known.tokens, known)
    torch.testing.assert_close(said, expected, atol=1e-6, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("width", [2, 4])
def test_a_reference_on_a_padded_level_is_its_share_of_it(width: int) -> None:
    valid = torch.tensor([[[0.5, 0.25], [1.0, 0.75]]])
    reference = torch.rand(1, 3, width)
    for level in range(2):
        expected = reference * valid[:, level].repeat(1, width // 2)
        torch.testing.assert_close(on_levels(reference, valid)[:, :, level], expected)


def test_cells_stand_where_their_centres_are_in_the_image_not_in_its_padding() -> None:
    padding = torch.ones(1, 4, 5, dtype=torch.bool)
    padding[:, :2, :4] = False
    centres = cell_centres(padding)
    assert centres[0, 0, 0].tolist() == [0.125, 0.25] and centres[0, 1, 3].tolist() == [0.875, 0.75]
    assert centres[0, 1, 4, 0] > 1 and centres[0, 2, 0, 1] > 1
