"""Names of classes that no file says: guessed from a head's size, and said to be guessed."""

import logging
from pathlib import Path

import pytest
import torch

from sdetr.interop.classes import VOC, published_classes
from sdetr.interop.detectors import load_detector
from sdetr.models.detector import Detector
from tests.interop.theirs import bring, official_file, official_state
from tests.models.small import model_settings, randomise, small_detector, trunk_settings


@pytest.mark.parametrize("variant, first", [("detr", 1), ("conditional", 1), ("deformable", 0)])
def test_up_detr_trap_t15_names_of_voc_are_not_off_by_one(
    tmp_path: Path, variant: str, first: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A head of DETR's code for ids 1 to 20 has 21 classes; DETReg's has 21 for ids 0 to 19."""
    caplog.set_level(logging.INFO)
    detector = randomise(Detector(model_settings(variant), trunk_settings(), 21))
    path = official_file(tmp_path, detector, variant, nheads=8)
    classes = load_detector(bring(path, tmp_path / "out"))[1].classes
    assert classes[first : first + 20] == tuple(VOC.split())
    assert classes[20 - 20 * first] == f"unused-{20 - 20 * first}"
    assert f"classes: VOC's 20 from {first} on, guessed from the head of 21" in caplog.text


@pytest.mark.parametrize("family", ["detr", "deformable"])
def test_twenty_classes_of_voc_are_all_used(family: str) -> None:
    assert published_classes(20, family)[0] == tuple(VOC.split())  # type: ignore[arg-type]


@pytest.mark.parametrize("variant, rows", [("detr", 1), ("conditional", 0)])
def test_a_head_that_knows_no_class_is_refused_as_such(tmp_path: Path, variant: str, rows: int) -> None:
    state = official_state(small_detector(variant), variant)
    for name in ("class_embed.weight", "class_embed.bias"):
        state[name] = state[name][:rows].clone()
    torch.save({"model": state}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=rf"x\.pth: its class head knows no class: it has {rows} row"):
        bring(tmp_path / "x.pth", tmp_path / "out")
