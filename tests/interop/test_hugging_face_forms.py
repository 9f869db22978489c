"""The forms in which one detector may lie in a Hugging Face folder."""

import re
from pathlib import Path

import pytest
import torch

from sdetr.interop.detectors import load_detector
from sdetr.interop.hf_export import export_hf
from sdetr.interop.weights import read_weights, save_tensors
from tests.interop.theirs import bring, hugging_face, written
from tests.models.hf import agree


@pytest.mark.parametrize("form", ["bin", "sharded", "timm", "timm of DAB-DETR"])
def test_every_form_of_a_folder_holds_the_same_detector(tmp_path: Path, form: str) -> None:
    theirs = hugging_face(
        variant="dab" if "DAB" in form else "detr", temperature=20.0 if "DAB" in form else 1e4
    )
    plain, other = tmp_path / "plain", tmp_path / "other"
    theirs.save_pretrained(plain)
    theirs.save_pretrained(other, max_shard_size="60KB" if form == "sharded" else "5GB")
    if form == "bin":
        torch.save(read_weights(other / "model.safetensors")[0], other / "pytorch_model.bin")
        (other / "model.safetensors").unlink()
    elif form == "sharded":
        assert len(list(other.glob("*.safetensors"))) > 2
    else:
        prefix = "model.backbone.conv_encoder.model."
        ours = load_detector(bring(plain, tmp_path / "x.safetensors"))[0].backbone.state_dict()
        inner = "_backbone." if "DAB" in form else ""
        stored = read_weights(plain / "model.safetensors")[0]
        rest = {key: value for key, value in stored.items() if not key.startswith(prefix)}
        torch.save(
            rest | {f"{prefix}{inner}{key}": value for key, value in ours.items()},
            other / "pytorch_model.bin",
        )
        (other / "model.safetensors").unlink()
    one, two = bring(plain, tmp_path / "one.safetensors"), bring(other, tmp_path / "two.safetensors")
    assert one.read_bytes() == two.read_bytes()


def test_equal_class_heads_that_they_write_once_are_heads_of_every_layer(tmp_path: Path) -> None:
    """variants H3: fresh heads of a refining detector are one parameter there."""
    theirs = hugging_face(variant="deformable_refine")
    for head in theirs.class_embed[1:]:
        head.load_state_dict(theirs.class_embed[0].state_dict())
    theirs.save_pretrained(folder := tmp_path / "hf")
    stored = read_weights(folder / "model.safetensors")[0]
    once = {key: value for key, value in stored.items() if not re.search(r"class_embed\.[12]", key)}
    torch.save(once, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    detector, _ = load_detector(bring(folder, tmp_path / "x.safetensors"))
    assert len(detector.class_head) == 3
    agree(detector, theirs)


@pytest.mark.parametrize("variant", ["deformable_refine", "deformable_two_stage"])
def test_a_refining_detector_whose_heads_are_equal_comes_back_as_one(tmp_path: Path, variant: str) -> None:
    """Where heads stand in the file says that layers have their own."""
    path = written(tmp_path, variant=variant)
    tensors, metadata = read_weights(path)
    for key in tensors:
        if key.startswith(("class_head.", "box_head.")):
            tensors[key] = tensors[re.sub(r"_head\.\d+", "_head.0", key)].clone()
    save_tensors(tensors, path, metadata)
    export_hf(path, tmp_path / "hf")
    again = bring(tmp_path / "hf", tmp_path / "again.safetensors")
    assert load_detector(again)[1].model.variant == variant
    found = read_weights(again)[0]
    assert found.keys() == tensors.keys() and all(torch.equal(found[key], tensors[key]) for key in found)
