"""Files of UP-DETR, DETReg and Siamese DETR, whose detectors know no classes yet."""

from pathlib import Path

import pytest
import torch

from sdetr.interop.detectors import load_detector, read_card
from sdetr.interop.weights import read_weights
from sdetr.training.transfer import transfer
from tests.interop.theirs import bring, official_state, same
from tests.models.small import randomise, small_detector

PRETEXTS = {
    "UP-DETR": ("detr", {"prenorm": True}, ("patch2query.weight", "feature_align.layers.0.weight")),
    "DETReg": ("deformable", {}, ("feature_embed.0.layers.0.weight",)),
    "DETReg, refining": ("deformable_refine", {}, ("feature_embed.0.layers.0.weight",)),
}


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
