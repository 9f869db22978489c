"""Dropout stands where the papers put it: attention weights, inner feed-forward state, ends of blocks."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sdetr.models.heads import inverse_sigmoid, place_boxes
from sdetr.models.layers import MLP, FeedForward, Residual
from tests.models.small import padded_view, randomise, small_detector


@pytest.mark.parametrize("prenorm", [True, False])
def test_what_a_block_says_may_be_dropped_whole_but_never_the_shortcut(prenorm: bool) -> None:
    residual = randomise(Residual(8, 1.0, prenorm)).train()
    x = torch.randn(2, 3, 8)
    expected = x if prenorm else residual.norm(x)
    assert torch.equal(residual(x, lambda inner: inner + 1), expected)


def test_feed_forward_drops_its_inner_state_and_keeps_its_last_bias() -> None:
    feed = randomise(FeedForward(8, 12, 1.0, "relu")).train()
    torch.testing.assert_close(feed(torch.randn(2, 3, 8)), feed.narrow.bias.expand(2, 3, 8))


@torch.no_grad()
@pytest.mark.parametrize("variant", ["detr", "conditional"])
@pytest.mark.parametrize("training, expected", [(True, 0.3), (False, 0.0)])
def test_every_attention_drops_weights_while_training_only(
    variant: str, training: bool, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    chances: list[float] = []
    attention = F.scaled_dot_product_attention

    def watched(*tensors: Tensor, dropout_p: float, **rest: Any) -> Tensor:
        chances.append(dropout_p)
        return attention(*tensors, dropout_p=dropout_p, **rest)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    small_detector(variant, dropout=0.3).train(training)(padded_view())
    assert chances == [expected] * (2 + 2 * 3)


def test_an_mlp_has_no_relu_at_its_ends() -> None:
    mlp = MLP(3, 5, 2)
    x = torch.randn(7, 3)
    first, last = mlp.layers
    torch.testing.assert_close(mlp(x), last(first(x).clamp(min=0)))


def test_inverse_sigmoid_is_the_inverse_and_finite_at_the_borders() -> None:
    x = torch.tensor([-0.5, 0.0, 1e-4, 0.3, 1.0, 1.5])
    found = inverse_sigmoid(x)
    limit = torch.tensor(1e-5).log()
    expected = torch.tensor(
        [limit, limit, torch.tensor(1e-4).logit(), torch.tensor(0.3).logit(), -limit, -limit]
    )
    torch.testing.assert_close(found, expected)


def test_a_point_moves_the_centre_and_leaves_the_size() -> None:
    offsets = torch.randn(3, 4)
    point = torch.tensor([[0.2, 0.7]]).expand(3, -1)
    boxes = place_boxes(offsets, point)
    torch.testing.assert_close(boxes[:, :2], (offsets[:, :2] + point.logit()).sigmoid())
    torch.testing.assert_close(boxes[:, 2:], offsets[:, 2:].sigmoid())
