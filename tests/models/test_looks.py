"""How much of each token a query takes: what it takes, added up, is what it gets."""

import pytest
import torch
from torch import Tensor

from sdetr.models.deformable import DeformableCrossAttention
from sdetr.models.detector import Detector
from sdetr.models.looks import last_looks, on_levels
from sdetr.models.variants import VARIANTS
from tests.models.small import padded_view, small_detector

SEVERAL = [name for name, row in VARIANTS.items() if row.deformable]


def got(detector: Detector, taken: Tensor, tokens: Tensor) -> Tensor:
    """(B, heads, Q, M), (B, M, D) → (B, Q, D), as the attention mixes values."""
    attention = detector.decoder.layers[-1].cross_attention
    value = attention.value(tokens)
    heads = value.unflatten(-1, (attention.heads, -1)).transpose(1, 2)  # (B, heads, M, d)
    return attention.out((taken @ heads).transpose(1, 2).flatten(2))


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_what_is_taken_of_every_token_adds_up_to_what_the_layer_says(variant: str) -> None:
    detector = small_detector(variant)
    with last_looks(detector) as looks:
        detector(padded_view())
    x, place, memory = looks.inputs
    attention = looks.attention
    taken = attention.taken(x, place, memory)
    assert taken.shape == (2, attention.heads, x.shape[1], memory.tokens.shape[1])
    if isinstance(attention, DeformableCrossAttention):
        value = attention.value(memory.tokens).masked_fill(memory.padding[..., None], 0)
        heads = value.unflatten(-1, (attention.heads, -1)).transpose(1, 2)
        expected = attention.out((taken @ heads).transpose(1, 2).flatten(2))
    else:
        expected = got(detector, taken, memory.tokens)
    torch.testing.assert_close(expected, attention(x, place, memory), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_nobody_takes_anything_of_padding_and_dense_attention_takes_one_in_all(variant: str) -> None:
    detector = small_detector(variant)
    with last_looks(detector) as looks:
        detector(padded_view())
    memory = looks.inputs[2]
    for image in (0, 1):
        taken = looks.of(image, torch.tensor([0, 3]))
        assert taken.shape == (2, memory.tokens.shape[1])
        assert not taken[:, memory.padding[image]].any()
        total = taken.sum(dim=1)
        assert (total <= 1 + 1e-5).all()
        if variant not in SEVERAL:
            torch.testing.assert_close(total, torch.ones(2))
        parts = on_levels(taken, memory)
        assert [part.shape[1:] for part in parts] == memory.shapes
        torch.testing.assert_close(sum(part.sum(dim=(1, 2)) for part in parts), total)


def test_looks_of_chosen_queries_are_those_of_all(variant: str = "conditional") -> None:
    detector = small_detector(variant)
    with last_looks(detector) as looks:
        detector(padded_view())
    everyone = looks.of(1, torch.arange(7))
    torch.testing.assert_close(looks.of(1, torch.tensor([5, 2])), everyone[[5, 2]])


def test_nothing_is_said_before_anything_was_decoded_and_nothing_is_kept_afterwards() -> None:
    detector = small_detector("detr")
    with last_looks(detector) as looks, pytest.raises(ValueError, match="nothing was decoded yet"):
        looks.of(0, torch.tensor([0]))
    detector(padded_view())
    assert not looks.inputs
