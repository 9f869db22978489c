"""The papers' own files: every family, every form in which their trainers left weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sdetr.interop.detectors import load_detector, read_card
from sdetr.interop.importing import Said, import_detector
from sdetr.interop.names import names
from sdetr.interop.settle import Known
from sdetr.interop.weights import read_weights
from sdetr.types import Ask
from tests.interop.theirs import bring, official_file, official_state, published, same
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

ARGS: dict[str, Any] = {
    "lr": 1e-4,
    "epochs": 50,
    "backbone": "resnet50",
    "position_embedding": "sine",
    "nheads": 8,
    "num_queries": 7,
    "dropout": 0.1,
    "dilation": False,
    "eos_coef": 0.1,
    "set_cost_class": 2,
    "set_cost_bbox": 5,
    "set_cost_giou": 2,
    "bbox_loss_coef": 5,
    "giou_loss_coef": 2,
}
"""What every trainer keeps."""
ARGS_OF_DAB: dict[str, Any] = {
    "cls_loss_coef": 1,
    "pe_temperatureH": 20,
    "pe_temperatureW": 20,
    "scalar": 3,
    "label_noise_scale": 0.2,
    "box_noise_scale": 0.4,
}
"""What those of DAB-DETR and DN-DETR keep besides, their deformable detectors', too."""


@pytest.mark.parametrize("name", MODELS)
def test_a_trainers_file_becomes_the_detector_that_was_trained(tmp_path: Path, name: str) -> None:
    detector = small_detector(**MODELS[name])
    options = ARGS | (ARGS_OF_DAB if "dab" in name else {})
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


@pytest.mark.parametrize("variant", ["dab_deformable", "dn_dab_deformable"])
def test_a_temperature_that_dab_deformable_ignores_is_no_reason_to_refuse_its_published_settings(
    tmp_path: Path, variant: str
) -> None:
    """arXiv:2201.12329's trainer keeps 20 in args, and its deformable detector's grid has 10000."""
    path = official_file(tmp_path, small_detector(variant), variant, **ARGS | ARGS_OF_DAB)
    named = Known(published, model_settings(variant), "small")
    import_detector(path, tmp_path / "x", Said(named))
    assert load_detector(tmp_path / "x")[1].model.temperature == 10000


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


def test_up_detr_trap_t1_norms_in_the_other_place_are_seen(tmp_path: Path) -> None:
    path = official_file(tmp_path, small_detector("detr", prenorm=True), "detr", nheads=8)
    card = read_card(read_weights(bring(path, tmp_path / "x"))[1], path)
    assert card.model.prenorm
    words = r"official\.pth has width 64, but params/models/detr\.yaml says 256"
    with pytest.raises(ValueError, match=words):
        bring(path, tmp_path / "y", model="detr")
