"""The detectors of params/models/: each answers at every embedded scale."""

import pytest
import torch

from sdetr.models.detector import Detector
from sdetr.models.settings import TrunkSettings
from sdetr.models.variants import VARIANTS
from tests.models.small import MODELS, padded_view, randomise, settings_of


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
