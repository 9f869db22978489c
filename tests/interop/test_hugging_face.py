"""Detectors from Hugging Face's folders and to them: its own classes say what every answer has to be."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from transformers import PreTrainedModel

from sdetr.interop.detectors import load_detector
from sdetr.interop.hf_export import export_hf
from sdetr.interop.weights import read_weights, save_tensors
from sdetr.models.detector import Detector
from sdetr.types import View
from tests.interop.theirs import NAMES, bring, hugging_face, written
from tests.models.hf import every_layer
from tests.models.small import padded_view
from tests.models.test_agreement import MODELS

CLOSE = {"atol": 1e-5, "rtol": 0.0}
transformers.utils.logging.disable_progress_bar()


@pytest.fixture(scope="module", params=MODELS)
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, PreTrainedModel, Path]:
    """A model's name, their detector, and the folder that they wrote."""
    folder = tmp_path_factory.mktemp(request.param)
    theirs = hugging_face(**MODELS[request.param])
    theirs.save_pretrained(folder)
    bring(folder, folder / "ours.safetensors")
    return request.param, theirs, folder


def agree(detector: Detector, theirs: PreTrainedModel) -> None:
    """Every layer's logits and boxes; in doubles where theirs can, for 1e-5 is much of a float's logit."""
    dtype = torch.float32 if isinstance(theirs, transformers.DabDetrForObjectDetection) else torch.float64
    detector, theirs = detector.to(dtype), theirs.to(dtype)
    view: View = replace(padded_view(), images=padded_view().images.to(dtype))
    with torch.no_grad():
        said = detector(view)
        logits, boxes, references = every_layer(theirs, view)
    assert said.logits.std() > 0.1 and (said.logits[0] - said.logits[1]).abs().max() > 0.1
    torch.testing.assert_close(said.logits, logits, **CLOSE)
    torch.testing.assert_close(said.boxes, boxes, **CLOSE)
    torch.testing.assert_close(said.references, references, **CLOSE)


def test_every_layer_of_an_imported_detector_says_what_theirs_says(
    published: tuple[str, PreTrainedModel, Path],
) -> None:
    name, theirs, folder = published
    detector, card = load_detector(folder / "ours.safetensors")
    assert card.model.variant == MODELS[name]["variant"]
    assert card.classes == NAMES
    agree(detector, theirs)


def test_theirs_loads_what_we_export_with_no_key_missing_or_unexpected(
    published: tuple[str, PreTrainedModel, Path],
) -> None:
    _, theirs, folder = published
    export_hf(folder / "ours.safetensors", folder / "back")
    again, told = type(theirs).from_pretrained(folder / "back", output_loading_info=True)
    assert not any(told.values()), told
    agree(load_detector(folder / "ours.safetensors")[0], again.eval())


def test_export_and_import_again_is_the_identity(published: tuple[str, PreTrainedModel, Path]) -> None:
    _, _, folder = published
    export_hf(folder / "ours.safetensors", folder / "back")
    again = bring(folder / "back", folder / "again.safetensors")
    assert again.read_bytes() == (folder / "ours.safetensors").read_bytes()


@pytest.mark.parametrize("form", ["bin", "sharded", "timm", "timm of DAB-DETR"])
def test_every_form_of_a_folder_holds_the_same_detector(tmp_path: Path, form: str) -> None:
    theirs = hugging_face(
        variant="dab" if "DAB" in form else "detr", temperature=20.0 if "DAB" in form else 1e4
    )
    plain, other = tmp_path / "plain", tmp_path / "other"
    theirs.save_pretrained(plain)
    theirs.save_pretrained(other, max_shard_size="60KB" if form == "sharded" else "5GB")
    if form == "bin":
        torch.save(stored(other / "model.safetensors"), other / "pytorch_model.bin")
        (other / "model.safetensors").unlink()
    elif form == "sharded":
        assert len(list(other.glob("*.safetensors"))) > 2
    else:
        prefix = "model.backbone.conv_encoder.model."
        ours = load_detector(bring(plain, tmp_path / "x.safetensors"))[0].backbone.state_dict()
        inner = "_backbone." if "DAB" in form else ""
        rest = {k: v for k, v in stored(plain / "model.safetensors").items() if not k.startswith(prefix)}
        named = rest | {f"{prefix}{inner}{key}": value for key, value in ours.items()}
        torch.save(named, other / "pytorch_model.bin")
        (other / "model.safetensors").unlink()
    one, two = bring(plain, tmp_path / "one.safetensors"), bring(other, tmp_path / "two.safetensors")
    assert one.read_bytes() == two.read_bytes()


def stored(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def test_equal_class_heads_that_they_write_once_are_heads_of_every_layer(tmp_path: Path) -> None:
    """variants H3: fresh heads of a refining detector are one parameter there."""
    theirs = hugging_face(variant="deformable_refine")
    for head in theirs.class_embed[1:]:
        head.load_state_dict(theirs.class_embed[0].state_dict())
    theirs.save_pretrained(tmp_path)
    once = {k: v for k, v in stored(tmp_path / "model.safetensors").items() if "class_embed.1" not in k}
    torch.save({k: v for k, v in once.items() if "class_embed.2" not in k}, tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    detector, _ = load_detector(bring(tmp_path, tmp_path / "x.safetensors"))
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


@pytest.mark.parametrize("patterns", [0, 3])
def test_dn_detr_without_denoising_is_a_dab_detr_with_patterns(tmp_path: Path, patterns: int) -> None:
    path = written(tmp_path, variant="dn_dab", temperature=20.0, patterns=patterns)
    export_hf(path, tmp_path / "hf")
    theirs = transformers.DabDetrForObjectDetection.from_pretrained(tmp_path / "hf").eval()
    assert theirs.config.num_patterns == max(patterns, 1)
    agree(load_detector(path)[0], theirs)


@pytest.mark.parametrize("variant", ["detr", "deformable_ss"])
def test_a_standardised_map_is_folded_into_the_convolution_that_reads_it(
    tmp_path: Path, variant: str
) -> None:
    trunk = {"arch": "resnet18", "width": 16, "stages": 3, "standardise": True}
    path = written(tmp_path, trunk=trunk, variant=variant)
    detector, _ = load_detector(path)
    assert detector.backbone.standard_mean.abs().min() > 0
    detector.backbone.standard_std.copy_(detector.backbone.standard_std.abs() + 0.5)
    from safetensors.torch import load_file

    from sdetr.interop.detectors import read_card, save_detector
    from sdetr.interop.weights import read_weights

    card = read_card(read_weights(path)[1], path)
    save_detector(load_file(path) | detector.state_dict(), path, card)
    export_hf(path, tmp_path / "hf")
    name = {"detr": "Detr", "deformable_ss": "DeformableDetr"}[variant]
    theirs = getattr(transformers, f"{name}ForObjectDetection").from_pretrained(tmp_path / "hf").eval()
    agree(detector, theirs)


def test_they_see_an_image_as_we_do(tmp_path: Path) -> None:
    theirs = hugging_face(variant="detr")
    theirs.save_pretrained(tmp_path / "hf")
    said = {"size": {"shortest_edge": 480, "longest_edge": 640}}
    (tmp_path / "hf" / "preprocessor_config.json").write_text(json.dumps(said))
    path = bring(tmp_path / "hf", tmp_path / "x.safetensors")
    resize = load_detector(path)[1].resize
    assert resize is not None and (resize.short, resize.longest) == (480, 640)
    export_hf(path, tmp_path / "back")
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / "back")
    image = torch.randint(0, 256, (3, 60, 100), dtype=torch.uint8)
    seen = processor(images=[image], return_tensors="pt")
    assert seen["pixel_values"].shape[-2:] == (384, 640)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = (image.float().mean((1, 2)) / 255 - mean) / deviation
    torch.testing.assert_close(seen["pixel_values"][0].mean((1, 2)), expected, atol=0.05, rtol=0)
