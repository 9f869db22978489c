"""DETR with a mask head, from its trainer's files and Hugging Face's folders, and to them."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sdetr.cli import main
from sdetr.interop.detectors import load_detector
from sdetr.interop.weights import read_weights
from sdetr.models.detector import Detector
from sdetr.training.transfer import transfer
from tests.interop.theirs import bring, hugging_face, official_file, official_state
from tests.models.small import model_settings, randomise, small_detector, trunk_settings

JOINT = {"variant": "detr", "mask_attention": "joint"}
PUBLISHED = {"width": 256, "ffn": 2048, "encoder_layers": 6, "decoder_layers": 6, "queries": 100}


def test_up_detr_trap_t5_a_trainers_file_with_a_mask_head_is_all_of_its_detector(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    detector = small_detector(**JOINT, heads=16)
    path = official_file(tmp_path, detector, "detr")
    assert "detr.transformer.decoder.norm.bias" in torch.load(path)["model"]
    found, wanted = read_weights(bring(path, tmp_path / "x"))[0], detector.state_dict()
    assert found.keys() == wanted.keys() and all(torch.equal(found[key], wanted[key]) for key in wanted)
    assert (
        load_detector(tmp_path / "x")[1].model.heads == 16
    )  # args say nothing, but maps of heads are counted
    assert "mask_attention: joint, from DETR's code (else: --per-head)" in caplog.text


def test_a_trainers_mask_head_is_called_as_the_papers_code_calls_it() -> None:
    """Of a panoptic R50: shapes tell every convolution from every other."""
    with torch.device("meta"):
        detector = Detector(model_settings(**JOINT, **PUBLISHED), trunk_settings(width=64), 250)
    state = official_state(detector, "detr")
    convolutions = {
        "lay1": (264, 264, 3, 3),
        "lay2": (128, 264, 3, 3),
        "lay3": (64, 128, 3, 3),
        "lay4": (32, 64, 3, 3),
        "lay5": (16, 32, 3, 3),
        "out_lay": (1, 16, 3, 3),
        "adapter1": (128, 1024, 1, 1),
        "adapter2": (64, 512, 1, 1),
        "adapter3": (32, 256, 1, 1),
    }
    expected = {f"mask_head.{name}.weight": shape for name, shape in convolutions.items()}
    norms = {f"mask_head.gn{i}.weight": convolutions[f"lay{i}"][:1] for i in range(1, 6)}
    looks = {f"bbox_attention.{part}_linear.weight": (256, 256) for part in "qk"}
    heads = ("mask_head.", "bbox_attention.")
    found = {n: tuple(t.shape) for n, t in state.items() if n.startswith(heads) and n.endswith("weight")}
    assert found == expected | norms | looks
    assert all(name.startswith((*heads, "detr.")) for name in state)
    assert state["detr.class_embed.weight"].shape == (251, 256)


def test_250_classes_are_cocos_things_and_stuff(tmp_path: Path) -> None:
    settings = model_settings(**JOINT)
    detector = randomise(Detector(settings, trunk_settings(), 250))
    card = load_detector(bring(official_file(tmp_path, detector, "detr"), tmp_path / "x"))[1]
    assert len(set(card.classes)) == 250
    assert [card.classes[i] for i in (1, 90, 92, 200)] == ["person", "toothbrush", "banner", "rug"]
    assert sum(not name.startswith("unused") for name in card.classes) == 80 + 53


def test_what_no_file_tells_of_masks_a_person_says(tmp_path: Path) -> None:
    path = official_file(tmp_path, small_detector(**JOINT, prenorm=True), "detr", nheads=8)
    main(["import", str(path), "--out", str(tmp_path / "x"), "--per-head"])
    assert load_detector(tmp_path / "x")[1].model.mask_attention == "per_head"


def test_what_a_person_says_of_masks_must_not_contradict_the_file(tmp_path: Path) -> None:
    bare = official_file(tmp_path, small_detector("detr"), "detr")
    with pytest.raises(ValueError, match="has no mask head, but --per-head says"):
        bring(bare, tmp_path / "out", per_head=True)
    hugging_face(**JOINT).save_pretrained(tmp_path / "hf")
    with pytest.raises(ValueError, match="hf: there, heads of masks share a softmax; leave out --per-head"):
        bring(tmp_path / "hf", tmp_path / "out", per_head=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "key", ["mask_head.lay1.bias", "mask_head.gn1.weight", "bbox_attention.k_linear.weight"]
)
def test_a_mask_head_that_is_not_whole_is_refused(tmp_path: Path, key: str) -> None:
    state = official_state(small_detector(**JOINT), "detr")
    del state[key]
    torch.save({"model": state}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"mask_head\.(first|attention)\.\w+\.(weight|bias)"):
        bring(tmp_path / "x.pth", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_imported_panoptic_detector_finds_boxes_and_starts_one_without_masks(tmp_path: Path) -> None:
    detector = small_detector(**JOINT)
    weights = bring(official_file(tmp_path, detector, "detr"), tmp_path / "x.safetensors")
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    asked = [
        "--weights",
        str(weights),
        "--out",
        str(tmp_path / "found"),
        "--size",
        "64/96",
        "--device",
        "cpu",
    ]
    main(["predict", str(tmp_path / "a.png"), *asked])
    assert (tmp_path / "found" / "a.json").exists()
    fresh = randomise(small_detector("detr"), seed=8)
    transfer(fresh, weights, ())
    held = detector.state_dict()
    assert all(torch.equal(tensor, held[key]) for key, tensor in fresh.state_dict().items())
    masked = randomise(small_detector(**JOINT), seed=8)
    transfer(masked, weights, ())
    assert torch.equal(masked.mask_head.out.weight, detector.mask_head.out.weight)
