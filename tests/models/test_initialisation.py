"""Detectors start as the papers' do."""

import math

import pytest
import torch
from torch import Tensor

from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from tests.models.small import model_settings, trunk_settings

WIDE = {"width": 256, "ffn": 2048, "encoder_layers": 2, "decoder_layers": 2, "queries": 300}


def build(variant: str, classes: int = 91) -> Detector:
    torch.manual_seed(0)
    return Detector(model_settings(variant, **WIDE), trunk_settings(arch="resnet18"), classes)


def fills(weight: Tensor, bound: float) -> bool:
    """Uniform within ± bound, reaching it."""
    close = max(0.02, 2 / math.sqrt(weight.numel()))
    spread = weight.std() * math.sqrt(3) / bound
    return bool(0.99 * bound < weight.abs().max() <= bound and abs(spread - 1) < close)


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
    names = {"position", "content", "anchors", "patterns", "level"}
    drawn = [p for name, p in detector.named_parameters() if name.split(".")[-1] in names]
    assert drawn or detector.row.queries == "proposals"
    assert all(p.std().item() == pytest.approx(1.0, abs=0.1) for p in drawn)


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


FOCAL = [name for name, row in VARIANTS.items() if row.focal]


@pytest.mark.parametrize("variant", FOCAL)
def test_a_focal_detector_starts_at_one_percent_and_at_its_references(variant: str) -> None:
    detector = build(variant)
    for head in detector.class_head:
        assert torch.allclose(head.bias, torch.tensor(-math.log(99)))
    for head in detector.box_head:
        assert not head.layers[-1].weight.any() and not head.layers[-1].bias[:2].any()


@pytest.mark.parametrize("variant", FOCAL)
def test_variants_23_boxes_of_the_deformable_family_start_small_in_the_first_head_alone(variant: str) -> None:
    first, *later = [head.layers[-1].bias[2:].tolist() for head in build(variant).box_head]
    assert first == ([-2.0, -2.0] if "deformable" in variant and "two_stage" not in variant else [0.0, 0.0])
    assert all(bias == [0.0, 0.0] for bias in later)


def test_heads_of_layers_start_equal_and_are_not_one() -> None:
    detector = build("deformable_two_stage")
    for heads in (detector.class_head, detector.box_head):
        states = [head.state_dict() for head in heads]
        assert len(states) == 3  # two layers and the first stage
        assert all(torch.equal(states[0][key], state[key]) for state in states for key in state)
        assert len({id(p) for p in heads.parameters()}) == 3 * len(states[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_reset_box_head_is_as_pytorch_draws_it(variant: str) -> None:
    detector = build(variant)
    layers = [layer for head in detector.box_head for layer in head.layers]
    before = [layer.weight.clone() for layer in layers]
    detector.reset_box_head()
    for layer, old in zip(layers, before, strict=True):
        assert fills(layer.weight, 1 / 16)
        assert layer.bias.any() and not torch.equal(layer.weight, old)


def test_a_softmax_detector_keeps_default_heads_and_has_one_class_more() -> None:
    detector = build("detr", classes=20)
    assert detector.class_head[0].weight.shape == (21, 256)
    assert fills(detector.class_head[0].weight, 1 / 16) and detector.class_head[0].bias.any()
    assert detector.box_head[0].layers[-1].weight.any()


SPREAD = [  # variant, parameter, Xavier's bound, whether its bias is 0
    ("deformable", "neck.levels.0.0", math.sqrt(6 / (8 + 256)), True),
    ("deformable", "neck.levels.3.0", math.sqrt(6 / (9 * (32 + 256))), True),
    ("deformable", "encoder.layers.0.self_attention.value", math.sqrt(6 / 512), True),
    ("deformable", "encoder.layers.1.self_attention.out", math.sqrt(6 / 512), True),
    ("deformable", "decoder.layers.0.cross_attention.value", math.sqrt(6 / 512), True),
    ("deformable", "queries.reference", math.sqrt(6 / 258), True),
    ("deformable_two_stage", "queries.feature", math.sqrt(6 / 512), False),
    ("deformable_two_stage", "queries.embed", math.sqrt(6 / 1024), False),
    ("dab", "encoder.scale.layers.0", math.sqrt(6 / 512), False),
    ("dab", "decoder.position.layers.0", math.sqrt(6 / 768), False),
    ("dab", "decoder.size.layers.0", math.sqrt(6 / 512), False),
    ("dab_deformable", "decoder.position.layers.1", math.sqrt(6 / 512), False),
]


@pytest.mark.parametrize("variant, name, bound, zero", SPREAD)
def test_what_stands_in_or_before_the_transformer_is_drawn_from_xaviers_range(
    variant: str, name: str, bound: float, zero: bool
) -> None:
    module = build(variant).get_submodule(name)
    assert fills(module.weight, bound)
    assert bool(module.bias.any()) is not zero


def test_a_reset_box_head_is_the_same_in_every_layer() -> None:
    detector = build("deformable_refine")
    detector.reset_box_head()
    first, second = detector.box_head
    assert all(map(torch.equal, first.parameters(), second.parameters()))


def test_activations_of_dab_detr_start_at_a_quarter() -> None:
    detector = build("dab")
    slopes = [p for name, p in detector.named_parameters() if "activation" in name]
    assert len(slopes) == 4 and all(slope.tolist() == [0.25] for slope in slopes)
