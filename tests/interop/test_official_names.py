"""Keys and shapes of the papers' files, written down by hand, and what our tables make of them."""

from typing import Any

import pytest
import torch

from sdetr.interop.keys import Account
from sdetr.interop.translate import translate
from sdetr.models.detector import Detector
from tests.interop.official_names import stored
from tests.interop.theirs import official_state
from tests.models.small import MODELS, settings_of, trunk_settings


def published_detector(model: str) -> Detector:
    changes: dict[str, Any] = {"mask_attention": "joint"} if model == "panoptic" else {}
    settings = settings_of("detr" if model == "panoptic" else model, "paper").model_copy(update=changes)
    with torch.device("meta"):
        return Detector(settings, trunk_settings(width=64), 250 if model == "panoptic" else 91)


LISTED = sorted({*MODELS, "panoptic"} - {"conditional"})
"""`conditional` has another number of queries, and no parameter more."""


@pytest.mark.parametrize("model", LISTED)
def test_every_key_of_a_published_file_finds_its_parameter_and_every_parameter_its_key(model: str) -> None:
    shapes = stored(model)
    zeros = torch.zeros(max(torch.Size(shape).numel() for shape in shapes.values()))
    state = {key: zeros[: torch.Size(shape).numel()].view(shape) for key, shape in shapes.items()}
    account = Account(model)
    found = translate(state, "official", account).tensors
    account.refuse(model)
    wanted = published_detector(model).state_dict()
    assert {key: tensor.shape for key, tensor in found.items()} == {k: v.shape for k, v in wanted.items()}


@pytest.mark.parametrize("model", LISTED)
def test_files_that_tests_make_up_have_the_keys_of_published_ones(model: str) -> None:
    detector = published_detector(model)
    state = official_state(detector, detector.model.variant)
    made = {k: tuple(v.shape) for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert made == stored(model)
