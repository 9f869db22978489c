"""Which settings make a detector, and which are refused by name."""

from dataclasses import replace

import pytest

from sdetr.models.detector import Detector
from sdetr.models.variants import VARIANTS
from tests.models.small import model_settings, padded_view, trunk_settings


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("width", [32, 96])
def test_variants_13_any_width_that_heads_share_works(variant: str, width: int) -> None:
    settings = model_settings(variant, width=width, heads=2, ffn=10)
    detector = Detector(settings, trunk_settings(arch="resnet18", stages=3), 3)
    wide = [name for name, p in detector.named_parameters() if 256 in p.shape or 128 in p.shape]
    assert not wide
    assert detector.backbone.channels[-1] == 16
    assert detector(padded_view()).boxes.shape == (3, 2, 7, 4)


def test_conditional_has_no_prenorm_form() -> None:
    with pytest.raises(ValueError, match=r"prenorm: true, but conditional .* do: detr"):
        Detector(model_settings("conditional", prenorm=True), trunk_settings(), 3)


def test_a_neck_of_groups_needs_a_width_that_they_share() -> None:
    with pytest.raises(ValueError, match=r"width: 48 is no multiple of 32, which deformable's neck needs"):
        model_settings("deformable", width=48)


def test_patterns_without_anchors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"patterns: 3, but conditional has no anchors to repeat"):
        model_settings("conditional", patterns=3)


def test_variants_31_two_stages_without_refinement_are_refused() -> None:
    two_stage = VARIANTS["deformable_two_stage"]
    for missing in ("refine", "heads_per_layer"):
        with pytest.raises(ValueError, match="proposals need refine and heads_per_layer"):
            replace(two_stage, **{missing: False})


@pytest.mark.parametrize("variant", ["dab", "dab_deformable", "dn_dab_deformable"])
def test_variants_35_two_stages_of_anchors_are_refused(variant: str) -> None:
    with pytest.raises(ValueError, match=r"queries: proposals, but .* are of anchors"):
        replace(VARIANTS[variant], queries="proposals", heads_per_layer=True)


def test_too_few_maps_for_the_levels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"trunk.stages: 2, but 4 levels need the last 3 maps"):
        Detector(model_settings("deformable"), trunk_settings(stages=2), 3)
