"""The cross-attention of Conditional DETR (arXiv:2108.06152), head by head."""

import math
from dataclasses import replace

import pytest
import torch

from sdetr.models.attention import Place
from sdetr.types import Memory
from tests.models.small import bare_memory, small_detector


@torch.no_grad()
def test_variants_11_only_the_first_layer_adds_positions_to_content() -> None:
    first, *later = small_detector("conditional").decoder.layers
    assert first.cross_attention.query_position is not None
    assert all(layer.cross_attention.query_position is None for layer in later)
    memory = _memory()
    x, place = torch.randn(2, 3, 64), Place(torch.randn(2, 3, 64), None, torch.randn(2, 3, 64))
    moved = replace(place, position=place.position + 1)
    assert (
        first.cross_attention(x, moved, memory) - first.cross_attention(x, place, memory)
    ).abs().max() > 1e-4
    assert torch.equal(later[0].cross_attention(x, moved, memory), later[0].cross_attention(x, place, memory))


@torch.no_grad()
@pytest.mark.parametrize("number", [0, 1])
def test_variants_12_scores_are_scaled_by_the_doubled_width_of_a_head(number: int) -> None:
    cross = small_detector("conditional").decoder.layers[number].cross_attention
    memory = _memory()
    x, place = torch.randn(2, 3, 64), Place(torch.randn(2, 3, 64), None, torch.randn(2, 3, 64))
    query, key = cross.query_content(x), cross.key_content(memory.tokens)
    spot, cell = cross.query_sine(place.sine), cross.key_position(memory.position)
    if number == 0:
        query, key = query + cross.query_position(place.position), key + cell
    value, mixed = cross.value(memory.tokens), []
    for head in range(8):
        part = slice(8 * head, 8 * head + 8)
        scores = query[..., part] @ key[..., part].mT + spot[..., part] @ cell[..., part].mT
        scores = (scores / math.sqrt(2 * 8)).masked_fill(memory.padding[:, None], -math.inf)
        mixed.append(scores.softmax(-1) @ value[..., part])
    torch.testing.assert_close(cross(x, place, memory), cross.out(torch.cat(mixed, -1)), atol=1e-5, rtol=0)


def _memory() -> Memory:
    padding = torch.zeros(2, 6, dtype=torch.bool)
    padding[1, 4:] = True
    return bare_memory(torch.randn(2, 6, 64), padding, torch.randn(2, 6, 64), [(2, 3)])
