"""Detectors have as many parameters that learn as the papers' repositories build."""

import pytest
import torch

from sdetr.models.detector import Detector
from sdetr.models.settings import ModelSettings
from tests.models.published import PANOPTIC, TRAINABLE
from tests.models.small import settings_of, trunk_settings


def trainable(settings: ModelSettings, classes: int) -> int:
    """Of a detector on ResNet-50, whose stem and first stage never learn."""
    with torch.device("meta"):
        detector = Detector(settings, trunk_settings(width=64), classes)
    detector.freeze_backbone(1e-5)
    return sum(p.numel() for p in detector.parameters() if p.requires_grad)


@pytest.mark.parametrize("model", TRAINABLE)
def test_detectors_of_coco_are_as_large_as_the_papers(model: str) -> None:
    assert trainable(settings_of(model, "paper"), classes=91) == TRAINABLE[model]


def test_the_panoptic_detector_is_as_large_as_the_papers() -> None:
    settings = settings_of("detr", "paper").model_copy(update={"mask_attention": "joint"})
    assert trainable(settings, classes=250) == PANOPTIC
