"""Detectors from Hugging Face's folders and to them: its own classes say what every answer has to be."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from transformers import PreTrainedModel

from sdetr.interop.detectors import load_detector, save_detector
from sdetr.interop.hf_export import export_hf
from tests.interop.theirs import bring, hugging_face, written
from tests.models.hf import NAMES, agree, loaded
from tests.models.test_agreement import MODELS


@pytest.fixture(scope="module", params=MODELS)
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, PreTrainedModel, Path]:
    """A model's name, their detector, and a folder with the folder that they wrote and what we made of it."""
    folder = tmp_path_factory.mktemp(request.param)
    theirs = hugging_face(**MODELS[request.param])
    theirs.save_pretrained(folder / "theirs")
    bring(folder / "theirs", folder / "ours.safetensors")
    return request.param, theirs, folder


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
    again = loaded(folder / "back")
    assert type(again) is type(theirs)
    agree(load_detector(folder / "ours.safetensors")[0], again)


def test_export_and_import_again_is_the_identity(published: tuple[str, PreTrainedModel, Path]) -> None:
    _, _, folder = published
    export_hf(folder / "ours.safetensors", folder / "back")
    again = bring(folder / "back", folder / "again.safetensors")
    assert again.read_bytes() == (folder / "ours.safetensors").read_bytes()


@pytest.mark.parametrize("patterns", [0, 3])
def test_dn_detr_without_denoising_is_a_dab_detr_with_patterns(tmp_path: Path, patterns: int) -> None:
    path = written(tmp_path, variant="dn_dab", temperature=20.0, patterns=patterns)
    export_hf(path, tmp_path / "hf")
    theirs = loaded(tmp_path / "hf")
    assert theirs.config.num_patterns == max(patterns, 1)
    agree(load_detector(path)[0], theirs)


@pytest.mark.parametrize("variant", ["detr", "deformable_ss"])
def test_a_standardised_map_is_folded_into_the_convolution_that_reads_it(
    tmp_path: Path, variant: str
) -> None:
    trunk = {"arch": "resnet18", "width": 16, "stages": 3, "standardise": True}
    path = written(tmp_path, trunk=trunk, variant=variant)
    detector, card = load_detector(path)
    assert detector.backbone.standard_mean.abs().min() > 0
    detector.backbone.standard_std.copy_(detector.backbone.standard_std.abs() + 0.5)
    save_detector(detector.state_dict(), path, card)
    export_hf(path, tmp_path / "hf")
    agree(detector, loaded(tmp_path / "hf"))


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
