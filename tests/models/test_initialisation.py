"""Detectors start as the papers' do."""

import math

import pytest
import torch
from torch import Tensor

from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from tests.models.small import model_settings, trunk_settings

COCO = {"width": 256, "heads": 8, "ffn": 2048, "encoder_layers": 6, "decoder_layers": 6}


def build(variant: str, classes: int = 91) -> Detector:
    torch.manual_seed(0)
    sizes = COCO | {"encoder_layers": 2, "decoder_layers": 2}
    return Detector(model_settings(variant, **sizes), trunk_settings(arch="resnet18"), classes)


def fills(weight: Tensor, bound: float) -> bool:
    """Uniform within ± bound, reaching it."""
    return 0.99 * bound < weight.abs().max() <= bound and abs(weight.std() * math.sqrt(3) / bound - 1) < 0.02


@pytest.mark.parametrize(
    "variant, queries, trainable", [("detr", 100, 41_302_368), ("conditional", 300, 43_196_001)]
)
def test_coco_detectors_have_as_many_parameters_as_the_papers(
    variant: str, queries: int, trainable: int
) -> None:
    with torch.device("meta"):
        settings = model_settings(variant, queries=queries, **COCO)
        detector = Detector(settings, trunk_settings(width=64), num_classes=91)
    detector.freeze_backbone(1e-5)
    assert sum(p.numel() for p in detector.parameters() if p.requires_grad) == trainable


def test_variants_1_fused_init_bound() -> None:
    fused = math.sqrt(6 / (4 * 256))  # Xavier's bound of the (768, 256) matrix: 0.0765
    detector = build("detr")
    layer = detector.decoder.layers[0]
    for attention in (detector.encoder.layers[0].self_attention, layer.self_attention, layer.cross_attention):
        for part in (attention.query, attention.key, attention.value):
            assert fills(part.weight, fused)
            assert not part.bias.any()
        assert fills(attention.out.weight, math.sqrt(6 / 512))
        assert not attention.out.bias.any()


def test_variants_1_separate_projections_keep_the_wider_bound() -> None:
    layer = build("conditional").decoder.layers[0]
    for attention in (layer.self_attention, layer.cross_attention):
        for name, part in attention.named_children():
            assert fills(part.weight, math.sqrt(6 / 512)), name  # 0.1083
            assert bool(part.bias.any()) is (name != "out"), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_feed_forward_is_xavier_and_queries_are_normal(variant: str) -> None:
    detector = build(variant)
    for layer in (detector.encoder.layers[1], detector.decoder.layers[1]):
        for part in (layer.feed_forward.widen, layer.feed_forward.narrow):
            assert fills(part.weight, math.sqrt(6 / (256 + 2048)))
    assert detector.queries.position.std().item() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_layers_of_a_stack_share_biases_at_first_but_not_weights(variant: str) -> None:
    detector = build(variant)
    for stack in (detector.encoder.layers, detector.decoder.layers):
        first, second = (layer.feed_forward.widen for layer in stack)
        assert torch.equal(first.bias, second.bias) and first.bias.any()
        assert not torch.equal(first.weight, second.weight)


def test_the_mlps_of_conditional_detr_are_xavier() -> None:
    detector = build("conditional")
    assert fills(detector.queries.reference.layers[0].weight, math.sqrt(6 / 512))
    assert fills(detector.decoder.query_scale.layers[1].weight, math.sqrt(6 / 512))


def test_a_focal_detector_starts_at_one_percent_and_at_its_references() -> None:
    detector = build("conditional")
    assert torch.allclose(detector.class_head.bias, torch.tensor(-math.log(99)))
    assert not detector.box_head.layers[-1].weight.any() and not detector.box_head.layers[-1].bias.any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_reset_box_head_is_as_pytorch_draws_it(variant: str) -> None:
    detector = build(variant)
    before = [layer.weight.clone() for layer in detector.box_head.layers]
    detector.reset_box_head()
    for layer, old in zip(detector.box_head.layers, before, strict=True):
        assert fills(layer.weight, 1 / 16)
        assert layer.bias.any() and not torch.equal(layer.weight, old)


def test_a_softmax_detector_keeps_default_heads_and_has_one_class_more() -> None:
    detector = build("detr", classes=20)
    assert detector.class_head.weight.shape == (21, 256)
    assert fills(detector.class_head.weight, 1 / 16) and detector.class_head.bias.any()
    assert detector.box_head.layers[-1].weight.any()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("width", [8, 48])
def test_variants_13_any_width_that_heads_share_works(variant: str, width: int) -> None:
    settings = model_settings(variant, width=width, heads=4, ffn=10)
    detector = Detector(settings, trunk_settings(arch="resnet18", stages=3), 3)
    wide = [name for name, p in detector.named_parameters() if 256 in p.shape or 128 in p.shape]
    assert not wide
    assert detector.backbone.channels[-1] == detector.neck.in_channels == 16


def test_conditional_has_no_prenorm_form() -> None:
    with pytest.raises(ValueError, match=r"prenorm: true, but conditional .* do: detr"):
        Detector(model_settings("conditional", prenorm=True), trunk_settings(), 3)
