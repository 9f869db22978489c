"""Gradients of a detection are what moving a pixel by a little says they are."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sdetr.models.layers import MLP
from sdetr.training.gradients import gradients_of_best
from sdetr.types import View
from tests.models.small import padded_view, small_detector

STEP = 1e-6
PIXELS = ((5, 9), (20, 31), (40, 12))


@pytest.mark.parametrize("variant", ["detr", "deformable", "deformable_ss", "conditional"])
def test_norms_are_those_of_finite_differences(variant: str) -> None:
    """In float64, of every colour of some pixels, one after the other."""
    detector, head = small_detector(variant).double(), head_of(64)
    view = a_view()
    _, maps, query = gradients_of_best(detector, view, head)

    @torch.no_grad()
    def said(images: Tensor) -> Tensor:
        out = detector(replace(view, images=images))
        z = head(out.hidden[-1, 0, query])
        return torch.stack([*out.boxes[-1, 0, query, :2], z.abs().sum()])

    for row, column in PIXELS:
        slopes = []
        for colour in range(3):
            low, high = view.images.clone(), view.images.clone()
            low[0, colour, row, column] -= STEP
            high[0, colour, row, column] += STEP
            slopes.append((said(high) - said(low)) / (2 * STEP))
        wanted = torch.stack(slopes).square().sum(dim=0).sqrt()
        assert (wanted > 0).all()
        torch.testing.assert_close(maps[:, row, column], wanted, rtol=1e-4, atol=1e-9)


def test_it_is_of_the_query_that_is_surest_of_an_object() -> None:
    detector, view = small_detector("deformable").double(), a_view()
    said, maps, query = gradients_of_best(detector, view, head_of(64))
    assert query == int(said.logits[-1, 0, :, 1].argmax()) and maps.shape == (3, *view.images.shape[2:])
    assert len(set(said.logits[-1, 0].argmax(dim=0).tolist())) > 1  # another class has another best query


def head_of(width: int) -> MLP:
    torch.manual_seed(2)
    return MLP(width, width, 9).double()


def a_view() -> View:
    """Of one image."""
    view = padded_view(3, ((48, 64),))
    return replace(view, images=view.images.double())
