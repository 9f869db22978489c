from pathlib import Path
from typing import Any

import pytest
import torch

from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import read_weights, save_weights
from sdetr.models.backbone import ResNet
from sdetr.models.detector import Detector
from sdetr.models.settings import TrunkSettings
from sdetr.training.settings import FinetuneRun
from sdetr.training.transfer import transfer


def save(detector: Detector, path: Path, **changes: Any) -> None:
    """`changes` of what the file says of the model."""
    model = detector.model.model_copy(update=changes)
    save_detector(detector.state_dict(), path, DetectorCard(model=model, trunk=detector.trunk))


def detector(settings: dict[str, Any], classes: int = 3) -> Detector:
    run = FinetuneRun.model_validate(settings)
    return Detector(run.model, run.trunk, classes)


def test_a_backbone_fills_the_backbone_and_nothing_else(
    finetune_settings: dict[str, Any], backbone_file: Path
) -> None:
    fresh = detector(finetune_settings)
    before = {key: value.clone() for key, value in fresh.state_dict().items()}
    transfer(fresh, backbone_file, ())
    tensors, _ = read_weights(backbone_file)
    for key, value in fresh.state_dict().items():
        inside = key.removeprefix("backbone.")
        assert torch.equal(value, tensors[inside] if key.startswith("backbone.") else before[key]), key


def test_a_detector_fills_everything_but_what_is_fresh(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    source, other = detector(finetune_settings, classes=7), detector(finetune_settings)
    own_head = other.get_parameter("class_head.0.weight").clone()
    save(source, tmp_path / "weights.safetensors")
    transfer(other, tmp_path / "weights.safetensors", ("class_head.",))
    assert torch.equal(other.get_parameter("class_head.0.weight"), own_head)
    for key, value in source.state_dict().items():
        assert key.startswith("class_head.") or torch.equal(value, other.state_dict()[key]), key


def test_a_fresh_head_of_the_same_shape_is_not_taken_either(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    source, other = detector(finetune_settings), detector(finetune_settings)
    own_head = other.get_parameter("class_head.0.weight").clone()
    save(source, tmp_path / "weights.safetensors")
    transfer(other, tmp_path / "weights.safetensors", ("class_head.",))
    assert torch.equal(other.get_parameter("class_head.0.weight"), own_head)


def test_fault_58_any_other_difference_is_an_error_with_a_table(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    source = detector(finetune_settings, classes=7)
    source.renamed = source.neck  # type: ignore[assignment]
    del source.neck
    save(source, tmp_path / "weights.safetensors")
    other = detector(finetune_settings)
    before = {key: value.clone() for key, value in other.state_dict().items()}
    with pytest.raises(ValueError, match="does not fit") as caught:
        transfer(other, tmp_path / "weights.safetensors", ())
    said = str(caught.value)
    total = len(before)
    assert f"{total - 4} of {total} keys match" in said
    assert "missing     neck.levels.0.weight (16, 32, 1, 1)" in said
    assert "unexpected  renamed.levels.0.weight (16, 32, 1, 1)" in said
    assert "shape       class_head.0.weight is (7, 16), expected (3, 16)" in said
    assert all(torch.equal(before[key], value) for key, value in other.state_dict().items())


def detr(settings: dict[str, Any], prenorm: bool) -> Detector:
    detection = settings["model"]["detection"] | {"no_object": 0.1}
    changes = {"variant": "detr", "prenorm": prenorm, "detection": detection}
    return detector(settings | {"model": settings["model"] | changes})


@pytest.mark.parametrize("prenorm, word", [(True, "missing"), (False, "unexpected")])
def test_updetr_t1_a_forgotten_order_of_norms_is_refused(
    finetune_settings: dict[str, Any], tmp_path: Path, prenorm: bool, word: str
) -> None:
    """Two keys differ; the released loader goes on without a word, with the layers in the wrong order."""
    source, other = (detr(finetune_settings, order) for order in (not prenorm, prenorm))
    save(source, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=f"another detector: prenorm {not prenorm}, here {prenorm}"):
        transfer(other, tmp_path / "weights.safetensors", ("class_head.",))
    save(source, tmp_path / "weights.safetensors", prenorm=prenorm)  # a file that says what is not so
    with pytest.raises(ValueError, match=rf"{word} +encoder\.norm\."):
        transfer(other, tmp_path / "weights.safetensors", ("class_head.",))


def test_updetr_t5_a_prefix_in_front_of_every_key_is_refused(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    """As a mask head around a detector gives it; the released loader takes nothing and goes on."""
    source = detector(finetune_settings)
    prefixed = {f"detr.{key}": value for key, value in source.state_dict().items()}
    card = DetectorCard(model=source.model, trunk=source.trunk)
    save_detector(prefixed, tmp_path / "weights.safetensors", card)
    with pytest.raises(ValueError, match=f"0 of {len(source.state_dict())} keys match"):
        transfer(source, tmp_path / "weights.safetensors", ())


@pytest.mark.parametrize("arch", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_updetr_t9_a_backbone_of_any_kind_starts_with_all_of_its_weights_or_not_at_all(
    finetune_settings: dict[str, Any], tmp_path: Path, arch: str
) -> None:
    """The released code has weights of one kind; any other trains from noise without a word."""
    path, trunk = tmp_path / "trunk.safetensors", TrunkSettings(arch=arch, width=16, stages=2)  # type: ignore[arg-type]
    whole = detector(finetune_settings | {"trunk": trunk.said()})
    save_weights(ResNet(trunk), path, {"kind": "backbone"})
    transfer(whole, path, ())
    for changes in ({"arch": "resnet34" if arch == "resnet18" else "resnet18"}, {"width": 8}, {"stages": 3}):
        other = detector(finetune_settings | {"trunk": trunk.said() | changes})
        with pytest.raises(ValueError, match="does not fit"):
            transfer(other, path, ())
    path.unlink()
    with pytest.raises(FileNotFoundError, match="expected the file of a backbone"):
        transfer(whole, path, ())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": 10.0}, "temperature 10.0, here"),
        ({"heads": 1}, "heads 1, here"),
        ({"turns": 3.0, "points": 2}, r"points 2, here 4; turns 3.0, here"),
    ],
)
def test_fault_58_weights_that_mean_something_else_are_refused_though_they_fit(
    changes: dict[str, Any], words: str, finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    source, path = detector(finetune_settings), tmp_path / "weights.safetensors"
    save(source, path, **changes)
    with pytest.raises(ValueError, match=f"trained as another detector: .*{words}"):
        transfer(source, path, ())
    save(source, path, dropout=0.7)  # of training alone
    transfer(source, path, ())


def test_a_fresh_prefix_that_names_nothing_is_an_error(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    source = detector(finetune_settings)
    save(source, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=r"clas_head\.: no key of Detector begins so"):
        transfer(source, tmp_path / "weights.safetensors", ("clas_head.",))


def test_siamese_t17_a_run_without_a_start_is_refused(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match="expected the file of a backbone, of a run, or of"):
        transfer(detector(finetune_settings), tmp_path / "nothing.safetensors", ())


def test_fault_58_a_file_that_does_not_say_what_it_is_is_refused(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    fresh = detector(finetune_settings)
    for said in ({}, {"format": "sdetr-3"}):  # nothing, or what a later version says
        save_weights(fresh, tmp_path / "weights.safetensors", said)
        with pytest.raises(ValueError, match=rf"neither `kind: backbone` nor `format: sdetr-2`.*but {said}"):
            transfer(fresh, tmp_path / "weights.safetensors", ())
