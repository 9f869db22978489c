"""Box arithmetic, against torchvision and by its laws."""

import pytest
import torch
import torchvision
from torch import Tensor

from sdetr.boxes import cxcywh_to_xyxy, giou, pairwise_iou, xyxy_to_cxcywh


@pytest.fixture
def corners() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    low, size = torch.rand(2, 30, 2, generator=generator), torch.rand(2, 30, 2, generator=generator)
    one, two = torch.cat([low, low + size], dim=-1).double()
    return one, two


def test_formats_are_each_others_inverse(corners: tuple[Tensor, Tensor]) -> None:
    one, _ = corners
    torch.testing.assert_close(cxcywh_to_xyxy(xyxy_to_cxcywh(one)), one)
    expected = torchvision.ops.box_convert(one, "xyxy", "cxcywh")
    torch.testing.assert_close(xyxy_to_cxcywh(one), expected)


def test_every_pair_agrees_with_torchvision(corners: tuple[Tensor, Tensor]) -> None:
    one, two = corners
    iou, union = pairwise_iou(one[:, None], two[None])
    torch.testing.assert_close(iou, torchvision.ops.box_iou(one, two))
    torch.testing.assert_close(
        giou(one[:, None], two[None]), torchvision.ops.generalized_box_iou(one, two), atol=1e-6, rtol=0
    )
    areas = torchvision.ops.box_area(one)[:, None] + torchvision.ops.box_area(two)
    torch.testing.assert_close(union * (1 + iou), areas)


def test_giou_is_symmetric_bounded_and_one_for_itself(corners: tuple[Tensor, Tensor]) -> None:
    one, two = corners
    there, back = giou(one, two), giou(two, one)
    torch.testing.assert_close(there, back)
    assert ((there >= -1) & (there <= 1)).all()
    torch.testing.assert_close(giou(one, one), torch.ones(30, dtype=torch.float64))


def test_giou_ignores_where_and_how_large_the_world_is(corners: tuple[Tensor, Tensor]) -> None:
    one, two = corners
    torch.testing.assert_close(giou(3 * one + 7, 3 * two + 7), giou(one, two))


def test_empty_boxes_give_numbers() -> None:
    empty, other = torch.zeros(4), torch.tensor([1.0, 1.0, 2.0, 2.0])
    assert giou(empty, empty).item() == 0
    assert giou(empty, other).isfinite() and pairwise_iou(empty, empty)[0].item() == 0
