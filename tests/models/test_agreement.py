"""Agreement with an independent implementation, Hugging Face's, at every decoder layer."""

import pytest
import torch
from transformers import PreTrainedModel

from sdetr.models.detector import Detector
from tests.models.hf import every_layer, oracle
from tests.models.small import padded_view, small_detector

VARIANTS = ["detr", "conditional"]


@pytest.fixture(scope="module", params=VARIANTS)
def both(request: pytest.FixtureRequest) -> tuple[Detector, PreTrainedModel]:
    detector = small_detector(request.param)
    return detector, oracle(detector, request.param)


@torch.no_grad()
def test_every_layer_says_what_hugging_face_says(both: tuple[Detector, PreTrainedModel]) -> None:
    detector, theirs = both
    view = padded_view()
    assert detector.encode(view).padding.any(dim=1).all()  # whole tokens of every image are padding
    ours = detector(view)
    logits, boxes = every_layer(theirs, view)
    assert ours.logits.std() > 0.1 and ours.boxes.std() > 0.02  # else agreement would mean little
    assert (ours.logits[0] - ours.logits[1]).abs().max() > 0.1
    torch.testing.assert_close(ours.logits, logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.boxes, boxes, atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_last_layer_is_what_hugging_face_returns(both: tuple[Detector, PreTrainedModel]) -> None:
    detector, theirs = both
    view = padded_view()
    ours, answer = detector(view), theirs(pixel_values=view.images, pixel_mask=(~view.padding).long())
    torch.testing.assert_close(ours.logits[-1], answer.logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.boxes[-1], answer.pred_boxes, atol=1e-5, rtol=0)
