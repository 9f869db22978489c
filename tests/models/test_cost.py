"""What a detector costs, against counts made by hand and by others."""

from dataclasses import replace
from typing import Any

import pytest
from torchvision.models import ResNet50_Weights, ResNet101_Weights

from sdetr.models.cost import Cost, cost
from tests.models.small import model_settings, trunk_settings

SIZE = (96, 160)  # no side that pooling has to round
CELLS = {8: 12 * 20, 16: 6 * 10, 32: 3 * 5, 64: 2 * 3}
D, F, Q, CLASSES, HEADS = 64, 96, 7, 5, 8


def cost_of(variant: str, size: tuple[int, int] = SIZE, **changes: Any) -> Cost:
    return cost(model_settings(variant, **changes), trunk_settings(), CLASSES, size)


def of_one_more(layers: str, variant: str, **changes: Any) -> int:
    few, more = (cost_of(variant, **{layers: n}, **changes).multiply_adds for n in (2, 3))
    return more - few


def test_a_layer_of_detr_costs_what_its_matrices_do() -> None:
    tokens = CELLS[32]
    feed_forward = 2 * D * F
    attention = 4 * tokens * D * D + 2 * tokens * tokens * D
    assert of_one_more("encoder_layers", "detr") == attention + tokens * feed_forward
    among = 4 * Q * D * D + 2 * Q * Q * D
    across = 2 * Q * D * D + 2 * tokens * D * D + 2 * Q * tokens * D
    heads = Q * (D * (CLASSES + 1) + 2 * D * D + 4 * D)
    assert of_one_more("decoder_layers", "detr") == among + across + Q * feed_forward + heads


@pytest.mark.parametrize("points", [1, 4])
def test_a_deformable_layer_also_costs_its_samples(points: int) -> None:
    tokens, samples = sum(CELLS.values()), 4 * points  # per head
    says = D * HEADS * samples * 3  # where, in x and y, and what it is worth
    looks = 5 * D * samples
    expected = tokens * (2 * D * D + says + looks + 2 * D * F)
    assert of_one_more("encoder_layers", "deformable", points=points) == expected


def test_backbones_differ_as_torchvision_counts_them() -> None:
    fifty, hundred = (
        cost(model_settings("detr"), trunk_settings(arch=arch, width=64), CLASSES, (224, 224)).multiply_adds
        for arch in ("resnet50", "resnet101")
    )
    published = [weights.IMAGENET1K_V1.meta["_ops"] for weights in (ResNet50_Weights, ResNet101_Weights)]
    assert (hundred - fifty) / 1e9 == pytest.approx(published[1] - published[0], abs=0.002)


def test_counting_knows_nothing_of_earlier_counts() -> None:
    first = cost_of("dab")
    cost_of("dab", size=(64, 64))
    cost_of("deformable_two_stage")
    assert cost_of("dab") == first == replace(first)
    assert first.trainable < first.parameters
