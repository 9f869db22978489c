from pathlib import Path
from typing import Any

import pytest
import torch

from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import read_weights, save_weights
from sdetr.models.detector import Detector
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


def test_any_other_difference_is_an_error_with_a_table(
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": 10.0}, "temperature 10.0, here"),
        ({"heads": 1}, "heads 1, here"),
        ({"turns": 3.0, "points": 2}, r"points 2, here 4; turns 3.0, here"),
    ],
)
def test_weights_that_mean_something_else_are_refused_though_they_fit(
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


def test_a_file_that_does_not_say_what_it_is_is_refused(
    finetune_settings: dict[str, Any], tmp_path: Path
) -> None:
    fresh = detector(finetune_settings)
    save_weights(fresh, tmp_path / "weights.safetensors", {})
    with pytest.raises(ValueError, match="neither `kind: backbone` nor `format: sdetr-2`"):
        transfer(fresh, tmp_path / "weights.safetensors", ())
