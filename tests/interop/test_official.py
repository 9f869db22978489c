"""The papers' own files: every family, every form in which their trainers left weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sdetr.interop.detectors import load_detector, read_card
from sdetr.interop.names import names
from sdetr.interop.weights import read_weights
from sdetr.models.detector import Detector
from sdetr.training.transfer import transfer
from sdetr.types import Ask
from tests.interop.theirs import bring, official_file, official_state
from tests.models.small import CLASSES, bare_memory, model_settings, randomise, small_detector, trunk_settings

MODELS: dict[str, dict[str, Any]] = {
    name: {"variant": name}
    for name in (
        "detr",
        "conditional",
        "deformable_ss",
        "deformable",
        "deformable_refine",
        "deformable_two_stage",
        "dab_deformable",
        "dn_dab_deformable",
    )
} | {
    "detr-prenorm": {"variant": "detr", "prenorm": True},
    "dab": {"variant": "dab", "temperature": 20.0},
    "dab-3patterns": {"variant": "dab", "temperature": 20.0, "patterns": 3},
    "dn_dab": {"variant": "dn_dab", "temperature": 20.0},
    "dn_dab-3patterns": {"variant": "dn_dab", "temperature": 20.0, "patterns": 3},
    "dab_deformable-2patterns": {"variant": "dab_deformable", "patterns": 2},
}
PRETEXTS = {
    "UP-DETR": ("detr", {"prenorm": True}, ("patch2query.weight", "feature_align.layers.0.weight")),
    "DETReg": ("deformable", {}, ("feature_embed.0.layers.0.weight",)),
    "DETReg, refining": ("deformable_refine", {}, ("feature_embed.0.layers.0.weight",)),
}


def same(path: Path, detector: Detector, heads: bool = True) -> None:
    """Every tensor of a file, and no other; without heads of classes if there were none."""
    found, wanted = read_weights(path)[0], detector.state_dict()
    if not heads:
        wanted = {key: value for key, value in wanted.items() if not key.startswith("class_head.")}
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize("name", MODELS)
def test_a_trainers_file_becomes_the_detector_that_was_trained(tmp_path: Path, name: str) -> None:
    detector = small_detector(**MODELS[name])
    options = {"nheads": 8, "num_queries": 7, "dropout": 0.1, "dilation": False, "scalar": 3}
    if "dab" in name and "deformable" not in name:
        options |= {"pe_temperatureH": 20, "pe_temperatureW": 20}
    path = official_file(tmp_path, detector, detector_variant := MODELS[name]["variant"], **options)
    out = bring(path, tmp_path / "x.safetensors")
    same(out, detector)
    card = read_card(read_weights(out)[1], out)
    wanted = model_settings(**MODELS[name]).model_dump(exclude={"detection"})
    assert card.model.model_dump(exclude={"detection"}) == wanted
    assert card.trunk == trunk_settings() and len(card.classes) == CLASSES
    assert card.model.variant == detector_variant
    again, _ = load_detector(out)
    assert again.num_queries == detector.num_queries


def test_layers_of_detr_are_torchs_own() -> None:
    """DETR's transformer has the names of nn.Transformer, which computes what the names mean."""
    ours, table = small_detector("detr"), names("detr", "official")
    layer = randomise(nn.TransformerDecoderLayer(64, 8, 96, batch_first=True), seed=9).eval()
    state = {f"transformer.decoder.layers.0.{key}": value for key, value in layer.state_dict().items()}
    own = {key: value for key, value in official_state(ours, "detr").items() if key in state}
    assert own.keys() == state.keys()
    for key, tensor in state.items():
        parts = tensor.chunk(3) if "in_proj" in key else (tensor,)
        for part, piece in zip("qkv", parts, strict=False):
            called = table.ours(key.replace("in_proj_", f"{part}_proj."))
            assert called is not None
            ours.get_parameter(called).data.copy_(piece)
    x, tokens = torch.randn(2, 2, 7, 64, generator=torch.Generator().manual_seed(3))
    memory = bare_memory(tokens, torch.zeros(2, 7, dtype=torch.bool), torch.zeros_like(tokens), [(1, 7)])
    ours.queries.position.data.zero_()
    with torch.no_grad():
        said = ours.decode(memory, Ask(content=x)).hidden[0]
        torch.testing.assert_close(said, ours.decoder.norm(layer(x, tokens)), atol=1e-5, rtol=0)


def test_variants_trap_19_the_deformable_decoder_counts_its_norms_otherwise() -> None:
    dense, deformable = names("detr", "official"), names("deformable", "official")
    key = "transformer.decoder.layers.4.norm{}.bias"
    rows = [[table.ours(key.format(i)) for i in (1, 2, 3)] for table in (dense, deformable)]
    where = "decoder.layers.4.beside_{}.norm.bias"
    assert rows[0] == [where.format(block) for block in ("self", "cross", "feed")]
    assert rows[1] == [where.format(block) for block in ("cross", "self", "feed")]


@pytest.mark.parametrize("method", PRETEXTS)
def test_a_pretrained_file_has_no_class_head_and_can_be_fine_tuned(tmp_path: Path, method: str) -> None:
    variant, changes, extra = PRETEXTS[method]
    detector = small_detector(variant, **changes)
    state = official_state(detector, variant) | {name: torch.zeros(3, 2) for name in extra}
    torch.save({"model": state}, tmp_path / "x.pth")
    out = bring(tmp_path / "x.pth", tmp_path / "x.safetensors")
    same(out, detector, heads=False)
    assert read_card(read_weights(out)[1], out).classes == ()
    text = (tmp_path / "x.safetensors.keys.txt").read_text()
    assert all(f"dropped   {name} (3, 2)" in text for name in extra) and "class head of a pretext" in text
    with pytest.raises(ValueError, match="has no class head"):
        load_detector(out)
    fresh = small_detector(variant, **changes)
    randomise(fresh, seed=8)
    transfer(fresh, out, ("class_head.",))
    assert torch.equal(
        fresh.state_dict()["neck.levels.0.weight" if variant == "detr" else "tokens.level"],
        detector.state_dict()["neck.levels.0.weight" if variant == "detr" else "tokens.level"],
    )


@pytest.mark.parametrize("variant", ["detr", "conditional", "deformable_ss", "deformable"])
@pytest.mark.parametrize("converted", [False, True])
def test_siamese_detrs_files_are_read_before_and_after_their_conversion(
    tmp_path: Path, variant: str, converted: bool
) -> None:
    detector = small_detector(variant)
    state = official_state(detector, variant)
    later = ("bbox_embed.1.", "bbox_embed.2.", "class_embed.")
    state = {key: value for key, value in state.items() if not key.startswith(later)}
    pair = state["query_embed.weight"]
    if "deformable" in variant:  # trap T21: position and content apart
        state["query_embed.weight"], state["transformer.tgt_embed"] = pair[:, :64], pair[:, 64:]
        state = {key.replace("bbox_embed.0.", "bbox_embed."): value for key, value in state.items()}
    if not converted:
        state = {key.replace("backbone.0.body.", "backbone."): value for key, value in state.items()}
        state = {f"pred_head.{k}" if k.startswith("bbox_embed") else k: v for k, v in state.items()}
        state |= {
            f"pred_head.{name}": torch.ones(3, 64)
            for name in ("class_embed.weight", "feature_align.0.weight")
        }
        state |= {"enc_head.projector.0.weight": torch.ones(3), "criterion.empty_weight": torch.ones(3)}
    elif "deformable" in variant:
        boxes = {
            k.replace("bbox_embed.", ""): state.pop(k) for k in list(state) if k.startswith("bbox_embed.")
        }
        state |= {f"bbox_embed.{i}.{k}": v.clone() for i in range(3) for k, v in boxes.items()}
    state["patch2query.weight"] = torch.ones(64, 128)
    torch.save({"model" if converted else "state_dict": state, "meta": {"epoch": 60}}, tmp_path / "x.pth")
    same(bring(tmp_path / "x.pth", tmp_path / "x.safetensors"), detector, heads=False)


def test_up_detr_trap_t1_norms_in_the_other_place_are_seen(tmp_path: Path) -> None:
    path = official_file(tmp_path, small_detector("detr", prenorm=True), "detr", nheads=8)
    card = read_card(read_weights(bring(path, tmp_path / "x"))[1], path)
    assert card.model.prenorm
    words = r"official\.pth has width 64, but params/models/detr\.yaml says 256"
    with pytest.raises(ValueError, match=words):
        bring(path, tmp_path / "y", model="detr")
