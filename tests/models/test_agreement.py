"""Agreement with an independent implementation, Hugging Face's, at every decoder layer."""

from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedModel

from sdetr.models.detector import Detector
from sdetr.types import View
from tests.models.hf import every_layer, oracle
from tests.models.small import model_settings, padded_view, small_detector

MODELS = {
    "detr": {"variant": "detr"},
    "conditional": {"variant": "conditional"},
    "deformable_ss": {"variant": "deformable_ss"},
    "deformable": {"variant": "deformable"},
    "deformable_refine": {"variant": "deformable_refine"},
    "deformable_two_stage": {"variant": "deformable_two_stage"},
    "dab": {"variant": "dab", "temperature": 20.0},
    "dab-3patterns": {"variant": "dab", "temperature": 20.0, "patterns": 3},
}


CLOSE = {"atol": 1e-5, "rtol": 0.0}
"""In float64 what is left is cells' positions, which theirs has in float32; its DAB-DETR is float32 alone."""


@pytest.fixture(scope="module", params=MODELS)
def both(request: pytest.FixtureRequest) -> tuple[Detector, PreTrainedModel]:
    detector = small_detector(**MODELS[request.param])
    theirs = oracle(detector, model_settings(**MODELS[request.param]))
    dtype = torch.float32 if request.param.startswith("dab") else torch.float64
    return detector.to(dtype), theirs.to(dtype)


def view_for(detector: Detector) -> View:
    view = padded_view()
    return replace(view, images=view.images.to(next(detector.parameters())))


@torch.no_grad()
def test_every_layer_says_what_hugging_face_says(both: tuple[Detector, PreTrainedModel]) -> None:
    detector, theirs = both
    view = view_for(detector)
    assert detector.encode(view).padding.any(dim=1).all()  # whole tokens of every image are padding
    ours = detector(view)
    logits, boxes, references = every_layer(theirs, view)
    assert ours.logits.std() > 0.1 and ours.boxes.std() > 0.02  # else agreement would mean little
    assert (ours.logits[0] - ours.logits[1]).abs().max() > 0.1
    torch.testing.assert_close(ours.logits, logits, **CLOSE)
    torch.testing.assert_close(ours.boxes, boxes, **CLOSE)
    torch.testing.assert_close(ours.references, references, **CLOSE)


@torch.no_grad()
def test_padding_an_image_changes_what_it_changes_in_hugging_face(
    both: tuple[Detector, PreTrainedModel],
) -> None:
    detector, theirs = both
    whole, padded = padded_view(sizes=((96, 70),)), padded_view(sizes=((96, 70), (128, 160)))
    changes = []
    for say in (lambda view: detector(view).boxes, lambda view: every_layer(theirs, view)[1]):
        alone, beside = (
            say(replace(view, images=view.images.to(next(detector.parameters())))) for view in (whole, padded)
        )
        changes.append(beside[:, :1] - alone)
    assert torch.equal(whole.images[0], padded.images[0, :, :96, :70])
    assert changes[0].abs().max() > 1e-4  # biases of norms make padded pixels something
    torch.testing.assert_close(changes[0], changes[1], **CLOSE)


@torch.no_grad()
def test_the_last_layer_is_what_hugging_face_returns(both: tuple[Detector, PreTrainedModel]) -> None:
    detector, theirs = both
    view = view_for(detector)
    ours, answer = detector(view), theirs(pixel_values=view.images, pixel_mask=(~view.padding).long())
    torch.testing.assert_close(ours.logits[-1], answer.logits, **CLOSE)
    torch.testing.assert_close(ours.boxes[-1], answer.pred_boxes, **CLOSE)


@torch.no_grad()
def test_the_first_stage_says_what_hugging_face_says_of_every_token() -> None:
    detector = small_detector("deformable_two_stage").double()
    theirs, view = oracle(detector, model_settings("deformable_two_stage")).double(), view_for(detector)
    ours = detector(view).first_stage
    answer = theirs(pixel_values=view.images, pixel_mask=(~view.padding).long())
    assert ours is not None
    torch.testing.assert_close(ours.logits, answer.enc_outputs_class, **CLOSE)
    torch.testing.assert_close(ours.boxes, answer.enc_outputs_coord_logits.sigmoid(), **CLOSE)
