"""What Hugging Face's folders say that no detector here can be, and what theirs cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest

from sdetr.interop.hf_export import export_hf
from sdetr.models.settings import Weights3
from tests.interop.theirs import bring, hugging_face, written
from tests.models.small import detection_settings

HALF = detection_settings("detr", cost=Weights3(label=1.0, box=5.0, giou=1.5))
MASKS = {"variant": "detr", "mask_attention": "joint"}


@pytest.mark.parametrize(
    "changes, trunk, words",
    [
        ({"variant": "dab_deformable"}, {}, "dab_deformable: Hugging Face has no class"),
        ({"variant": "dn_dab_deformable"}, {}, "dn_dab_deformable: Hugging Face has no class"),
        ({"variant": "detr", "prenorm": True}, {}, r"model\.prenorm: true"),
        ({"variant": "detr", "turns": 2.0}, {}, r"model\.turns: 2\.0"),
        ({"variant": "conditional", "temperature": 20.0}, {}, r"model\.temperature: 20\.0"),
        ({"variant": "dab", "temperature": 20.5}, {}, r"model\.temperature: 20\.5"),
        ({"variant": "dab", "reference_temperature": 20.0}, {}, r"model\.reference_temperature: 20\.0"),
        ({"variant": "detr", "detection": HALF}, {}, r"model\.detection\.cost\.giou: 1\.5"),
        ({"variant": "detr"}, {"dilated": True}, r"trunk\.dilated: true"),
        ({"variant": "deformable"}, {"standardise": True}, "standardised"),
        (MASKS | {"mask_attention": "per_head"}, {}, r"model\.mask_attention: per_head \(not joint\)"),
        (MASKS, {"arch": "resnet18", "stages": 3}, r"trunk\.stages: 3 \(a mask head reads 4\)"),
        (MASKS | {"width": 96}, {}, r"model\.width: 96 \(a mask head's channels"),
        (MASKS | {"heads": 4}, {}, r"model\.width: 64 \(a mask head's channels"),
    ],
)
def test_what_theirs_cannot_be_is_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], trunk: dict[str, Any], words: str
) -> None:
    path = written(tmp_path, trunk=trunk, **changes)
    with pytest.raises(ValueError, match=words):
        export_hf(path, tmp_path / "hf")
    assert not (tmp_path / "hf").exists()


@pytest.mark.parametrize(
    "file, changes, words",
    [
        (
            "config",
            {"encoder_attention_heads": 4},
            "encoder_attention_heads 4 and decoder_attention_heads 8 differ",
        ),
        ("config", {"encoder_attention_heads": "8"}, "encoder_attention_heads is a str, expected a number"),
        (
            "config",
            {"position_embedding_type": "learned"},
            "position_embedding_type is 'learned', expected 'sine'",
        ),
        ("config", {"id2label": {"0": "a", "2": "b"}}, "id2label numbers 2 classes"),
        ("config", {"id2label": {"0": "a"}}, "id2label names 1 classes of 5"),
        (
            "config",
            {"backbone_config": {"downsample_in_bottleneck": True}},
            r"backbone_config\.downsample_in_bottleneck is True, expected False",
        ),
        ("config", {"dropout": 1.5}, "dropout: Input should be less than or equal to 1"),
        (
            "preprocessor_config",
            {"image_mean": [0.5, 0.5, 0.5]},
            r"image_mean is \[0.5, 0.5, 0.5\], expected",
        ),
        ("preprocessor_config", {"image_mean": None}, r"config\.json: image_mean is None, expected \[0\.485"),
        ("preprocessor_config", {"do_normalize": False}, "do_normalize is False, expected True"),
        ("preprocessor_config", {"do_rescale": False}, "do_rescale is False, expected True"),
        ("preprocessor_config", {"do_resize": False}, "do_resize is False, expected True"),
        ("preprocessor_config", {"rescale_factor": 1 / 127.5}, "rescale_factor is 0.0078"),
        ("preprocessor_config", {"resample": 3}, "resample is 3, expected 2"),
        ("preprocessor_config", {"size": [1, 2]}, r"config\.json: size is \[1, 2\], expected shortest_edge"),
        (
            "preprocessor_config",
            {"size": {"shortest_edge": 900, "longest_edge": 800}},
            "size is .* the smaller first",
        ),
        ("config", {"backbone_config": {"hidden_act": "gelu"}}, "backbone_config.hidden_act is 'gelu'"),
        ("config", {"backbone_config": "resnet"}, r"config\.json: backbone_config is 'resnet', expected an"),
        ("config", {"id2label": {"a": "b"}}, r"config\.json: id2label numbers 1 classes .*: 'a' is one"),
        ("config", {"id2label": {"01": "b", "0": "a"}}, "id2label numbers 2 classes .*: '01' is one"),
        ("config", {"id2label": ["a"]}, r"config\.json: id2label is a list, expected an object"),
    ],
)
def test_a_folder_that_contradicts_itself_or_us_is_refused_by_its_field(
    tmp_path: Path, file: str, changes: dict[str, Any], words: str
) -> None:
    hugging_face(variant="detr").save_pretrained(tmp_path / "hf")
    path = tmp_path / "hf" / f"{file}.json"
    said = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(said | changes))
    with pytest.raises(ValueError, match=words):
        bring(tmp_path / "hf", tmp_path / "x.safetensors")
    assert not (tmp_path / "x.safetensors").exists()


def test_an_index_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    hugging_face(variant="detr").save_pretrained(tmp_path / "hf")
    (tmp_path / "hf" / "model.safetensors").rename(tmp_path / "model.safetensors")
    index = {"weight_map": {"a": "../model.safetensors"}}
    (tmp_path / "hf" / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"'\.\./model\.safetensors' is no weights file beside it"):
        bring(tmp_path / "hf", tmp_path / "x.safetensors")
