"""What a published file is, by its shapes, its own words, and those of the person who brings it."""

import argparse
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sdetr.cli import main
from sdetr.interop.detectors import load_detector, read_card
from sdetr.interop.weights import read_weights
from sdetr.models.detector import Detector
from sdetr.models.settings import TrunkSettings
from tests.interop.theirs import bring, official_file, official_state
from tests.models.small import model_settings, small_detector


def published_size(prenorm: bool, keep: Path) -> Path:
    """A file of the published sizes, all of whose parameters share their numbers, so that it stays small."""
    with torch.device("meta"):
        detector = Detector(
            model_settings(
                "detr", width=256, ffn=2048, encoder_layers=6, decoder_layers=6, queries=100, prenorm=prenorm
            ),
            TrunkSettings(arch="resnet50", width=4),
            91,
        )
    shapes = {key: value.shape for key, value in official_state(detector, "detr").items()}
    zeros = torch.zeros(max(shape.numel() for shape in shapes.values()))
    state = {key: zeros[: shape.numel()].view(shape) for key, shape in shapes.items()}
    torch.save({"model": state}, keep)
    return keep


@pytest.mark.parametrize("prenorm, named", [(True, "detr"), (False, "detr-prenorm")])
def test_a_named_model_that_contradicts_shapes_is_refused_with_both(
    tmp_path: Path, prenorm: bool, named: str
) -> None:
    path = published_size(prenorm, tmp_path / "x.pth")
    words = rf"x\.pth has prenorm {prenorm}, but params/models/{named}\.yaml says {not prenorm}"
    with pytest.raises(ValueError, match=words):
        bring(path, tmp_path / "out", model=named)
    assert not (tmp_path / "out").exists()


def test_a_file_of_published_size_has_cocos_names_and_published_settings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = published_size(False, tmp_path / "x.pth")
    card = read_card(read_weights(bring(path, tmp_path / "out", model="detr"))[1], path)
    assert (
        card.classes[1] == "person" and card.classes[90] == "toothbrush" and card.classes[12] == "unused-12"
    )
    assert len(set(card.classes)) == 91 and card.resize is not None and card.resize.short == 800
    assert "heads: 8, from params/models/detr.yaml" in caplog.text
    assert "prenorm" not in caplog.text and "queries: 100, from its shapes" in caplog.text


def test_an_unknown_key_or_a_lost_one_stops_everything(tmp_path: Path) -> None:
    state = official_state(small_detector("detr"), "detr")
    lost = {key: value for key, value in state.items() if key != "transformer.encoder.layers.1.norm2.bias"}
    more = state | {"backbone.1.row_embed.weight": torch.ones(50, 32)}
    for held, words in (
        (lost, r"missing   encoder\.layers\.1\.beside_feed\.norm\.bias \(64,\)"),
        (more, r"unmatched backbone\.1\.row_embed\.weight \(50, 32\)"),
    ):
        torch.save({"model": held}, tmp_path / "x.pth")
        with pytest.raises(ValueError, match=words):
            bring(tmp_path / "x.pth", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["x.pth"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"nheads": "8"}, "nheads is a str, expected a number"),
        ({"nheads": 7}, "heads: 7 cannot share a width of 64"),
        ({"dropout": 2.0}, "dropout: Input should be less than or equal to 1"),
        ({"pe_temperatureH": torch.ones(2)}, "pe_temperatureH is a Tensor, expected a number"),
        ({"dilation": "yes"}, "dilation is 'yes', expected True or False"),
        ({"position_embedding": "learned"}, "position_embedding 'learned', expected sine"),
        ({"pe_temperatureH": 20, "pe_temperatureW": 10}, "pe_temperatureH 20 and pe_temperatureW 10 differ"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    path = official_file(tmp_path, small_detector("detr"), "detr", **options)
    with pytest.raises(ValueError, match=rf"args of .*official\.pth: .*{words}"):
        bring(path, tmp_path / "out")


def test_samples_that_heads_cannot_share_are_refused(tmp_path: Path) -> None:
    path = official_file(tmp_path, small_detector("deformable", points=3), "deformable", nheads=16)
    with pytest.raises(ValueError, match="weighs 96 samples a query, which 16 heads on 4 levels"):
        bring(path, tmp_path / "out")


def test_dc5_is_what_the_trainer_or_the_person_says(tmp_path: Path) -> None:
    said = official_file(tmp_path, small_detector("detr"), "detr", dilation=True)
    assert read_card(read_weights(bring(said, tmp_path / "a"))[1], said).trunk.dilated
    silent = official_file(tmp_path, small_detector("detr"), "detr")
    assert read_card(read_weights(bring(silent, tmp_path / "b", dilated=True))[1], silent).trunk.dilated
    otherwise = official_file(tmp_path, small_detector("detr"), "detr", dilation=False)
    with pytest.raises(ValueError, match="not dilated, but --dilated says"):
        bring(otherwise, tmp_path / "c", dilated=True)


def test_the_verb_takes_names_of_classes_and_checks_their_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = official_file(tmp_path, small_detector("detr"), "detr", nheads=8)
    out, file = tmp_path / "x.safetensors", tmp_path / "names.txt"
    file.write_text("a\nb\nc\nd\n\ne e\n")
    main(["import", str(path), "--out", str(out), "--classes", str(file)])
    assert load_detector(out)[1].classes == ("a", "b", "c", "d", "e e")
    for text, words in (("a\nb\n", "head of 5 classes, but --classes names 2"), ("a\na\n", "names twice: a")):
        file.write_text(text)
        with pytest.raises(SystemExit) as ended:
            main(["import", str(path), "--out", str(out), "--classes", str(file), "--force"])
        assert ended.value.code == 2 and words in capsys.readouterr().err


def test_heads_that_should_be_one_but_differ_are_refused(tmp_path: Path) -> None:
    state: dict[str, Tensor] = official_state(small_detector("dab", temperature=20.0), "dab")
    state["transformer.decoder.bbox_embed.layers.0.bias"] = state["bbox_embed.layers.0.bias"] + 1
    torch.save({"model": state, "args": argparse.Namespace(nheads=8)}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match="one parameter in published files, but differ here"):
        bring(tmp_path / "x.pth", tmp_path / "out")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"no detector that is known here: .*found weight, bias"):
        bring(tmp_path / "x.pth", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"expected a trainer's \.pth file or a Hugging Face folder"):
        bring(tmp_path / "none", tmp_path / "out")
    path = official_file(tmp_path, small_detector("detr"), "detr", nheads=8)
    out = bring(path, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="is a detector file of sdetr already"):
        bring(out, tmp_path / "out")


@pytest.mark.parametrize(
    "key",
    [
        "transformer.level_embed",
        "transformer.decoder.layers.0.self_attn.in_proj_weight",
        "transformer.decoder.layers.0.norm3.weight",
        "transformer.decoder.layers.0.linear1.weight",
        "transformer.decoder.layers.0.cross_attn.attention_weights.bias",
        "query_embed.weight",
        "class_embed.0.bias",
        "backbone.0.body.conv1.weight",
    ],
)
@pytest.mark.parametrize("lost", [True, False])
def test_any_lost_or_shapeless_parameter_is_refused_by_name(tmp_path: Path, key: str, lost: bool) -> None:
    state = official_state(small_detector("deformable"), "deformable")
    state[key] = torch.tensor(3.0)
    torch.save({"model": {k: v for k, v in state.items() if not (lost and k == key)}}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"x\.pth|expected three|detector"):
        bring(tmp_path / "x.pth", tmp_path / "out")
    assert not (tmp_path / "out").exists()
