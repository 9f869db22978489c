"""The detectors of params/models/: published sizes at scale paper, and each answers at every scale."""

import pytest
import torch

from sdetr.models.detector import Detector
from sdetr.models.settings import TrunkSettings
from sdetr.models.variants import VARIANTS
from tests.models.small import MODELS, padded_view, randomise, settings_of

TRAINABLE = {  # on COCO's 91 ids with ResNet-50; the repositories of the papers build as many
    "detr-prenorm": 41_302_368 + 512,  # one more norm, after the encoder
    "detr": 41_302_368,
    "conditional-300q": 43_196_001,
    "deformable_ss": 33_844_193,
    "deformable": 39_847_265,
    "deformable_refine": 40_627_260,
    "deformable_two_stage": 40_959_129,
    "dab": 43_449_117,
    "dab-3patterns": 43_449_885,
    "dab_deformable": 47_183_594,
    "dn_dab": 43_472_577,
    "dn_dab_deformable": 47_206_754,
}


@pytest.mark.parametrize("model", TRAINABLE)
def test_a_model_of_params_has_the_published_number_of_parameters(model: str) -> None:
    with torch.device("meta"):
        detector = Detector(settings_of(model, "paper"), TrunkSettings(arch="resnet50"), num_classes=91)
    detector.freeze_backbone(1e-5)
    assert sum(p.numel() for p in detector.parameters() if p.requires_grad) == TRAINABLE[model]


@torch.no_grad()
@pytest.mark.parametrize("scale", ["smoke", "demo"])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_params_answers_at_every_embedded_scale(model: str, scale: str) -> None:
    settings = settings_of(model, scale)
    trunk = TrunkSettings(arch="resnet18", width=16, stages=3, standardise=True)
    said = randomise(Detector(settings, trunk, 10)).eval()(padded_view())
    assert said.boxes.shape[:2] == (settings.decoder_layers, 2) and said.boxes.isfinite().all()


def test_every_variant_has_a_model() -> None:
    assert {settings_of(model, "paper").variant for model in MODELS} == set(VARIANTS)
