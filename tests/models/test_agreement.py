"""Agreement with an independent implementation, Hugging Face's, at every decoder layer."""

from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedModel

from sdetr.models.detector import Detector
from tests.models.hf import CLOSE, agree, every_layer, exact, oracle
from tests.models.small import model_settings, padded_view, small_detector

MODELS = {
    "detr": {"variant": "detr"},
    "detr-masks": {"variant": "detr", "mask_attention": "joint", "heads": 16},
    "conditional": {"variant": "conditional", "heads": 4},
    "deformable_ss": {"variant": "deformable_ss"},
    "deformable": {"variant": "deformable", "heads": 4, "points": 3},
    "deformable_refine": {"variant": "deformable_refine"},
    "deformable_two_stage": {"variant": "deformable_two_stage"},
    "dab": {"variant": "dab", "temperature": 20.0},
    "dab-3patterns": {"variant": "dab", "temperature": 10.0, "patterns": 3, "heads": 4},
}


@pytest.fixture(scope="module", params=MODELS)
def both(request: pytest.FixtureRequest) -> tuple[Detector, PreTrainedModel]:
    detector = small_detector(**MODELS[request.param])
    return exact(detector, oracle(detector, model_settings(**MODELS[request.param])))[:2]


def test_every_layer_says_what_hugging_face_says(both: tuple[Detector, PreTrainedModel]) -> None:
    agree(*both)


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
    detector, theirs, view = exact(*both)
    ours, answer = detector(view), theirs(pixel_values=view.images, pixel_mask=(~view.padding).long())
    torch.testing.assert_close(ours.logits[-1], answer.logits, **CLOSE)
    torch.testing.assert_close(ours.boxes[-1], answer.pred_boxes, **CLOSE)


@torch.no_grad()
def test_the_first_stage_says_what_hugging_face_says_of_every_token() -> None:
    detector = small_detector("deformable_two_stage")
    detector, theirs, view = exact(detector, oracle(detector, model_settings("deformable_two_stage")))
    ours = detector(view).first_stage
    answer = theirs(pixel_values=view.images, pixel_mask=(~view.padding).long())
    assert ours is not None
    torch.testing.assert_close(ours.logits, answer.enc_outputs_class, **CLOSE)
    torch.testing.assert_close(ours.boxes, answer.enc_outputs_coord_logits.sigmoid(), **CLOSE)
