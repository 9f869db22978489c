"""Files as others write them: Hugging Face's from its own classes, the papers' from our detectors."""

import argparse
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.interop.detectors import save_detector
from sdetr.interop.importing import Said, import_detector
from sdetr.interop.names import family_of, names
from sdetr.interop.settings import DetectorCard
from sdetr.interop.settle import Known
from sdetr.interop.weights import read_weights
from sdetr.models.detector import Detector
from sdetr.models.settings import ModelSettings
from tests.models.hf import NAMES, oracle
from tests.models.small import CLASSES, model_settings, randomise, small_detector, trunk_settings

PARAMS = Params(Path(__file__).parents[2] / "params")


def published(name: str) -> ModelSettings:
    return Composer(PARAMS, "paper").model(name, {"model": PARAMS.kin("models", name)})


def bring(source: Path, out: Path, model: str = "", **said: Any) -> Path:
    """`sdetr import`, as Python."""
    known = Known(published, published(model) if model else None, model)
    import_detector(source, out, Said(known, **said))
    return out


def hugging_face(**changes: Any) -> PreTrainedModel:
    """Theirs, tiny, random everywhere by its own names."""
    return randomise(oracle(small_detector(**changes), model_settings(**changes)), seed=5)


def written(
    folder: Path, classes: int = CLASSES, trunk: dict[str, Any] | None = None, **changes: Any
) -> Path:
    """A file of a small random detector of ours."""
    shape = trunk_settings(**(trunk or {}))
    settings = model_settings(**changes)
    card = DetectorCard(model=settings, trunk=shape, classes=NAMES[:classes])
    path = folder / "ours.safetensors"
    save_detector(randomise(Detector(settings, shape, classes)).state_dict(), path, card)
    return path


def official_state(detector: Detector, variant: str) -> dict[str, Tensor]:
    """Its parameters as the papers' trainers store them: fused, with every copy that they keep."""
    family = family_of(variant)
    ours = dict(detector.state_dict())
    state: dict[str, Tensor] = {}
    if "queries.labels" in ours:
        unknown = ours.pop("queries.unknown")[None]
        state["label_enc.weight"] = torch.cat([ours.pop("queries.labels"), unknown])
    if "queries.content" in ours and "queries.position" in ours:
        pair = [ours.pop("queries.position"), ours.pop("queries.content")]
        state["query_embed.weight"] = torch.cat(pair, dim=1)
    if "queries.content" in ours:
        state["tgt_embed.weight"] = ours.pop("queries.content")
    table = names(family, "official")
    for key, tensor in ours.items():
        called = table.theirs(key)
        assert called is not None, key
        state[called] = tensor
    for name in [name for name in state if re.search(r"\.q_proj\.", name)]:
        three = [state.pop(name.replace(".q_proj.", f".{part}_proj.")) for part in "qkv"]
        state[re.sub(r"\.q_proj\.(\w+)", r".in_proj_\1", name)] = torch.cat(three)
    state |= _copies(state, detector, family)
    if detector.mask_head is None:
        return state
    masks = ("mask_head.", "bbox_attention.")
    return {name if name.startswith(masks) else f"detr.{name}": tensor for name, tensor in state.items()}


def _copies(state: dict[str, Tensor], detector: Detector, family: str) -> dict[str, Tensor]:
    heads = {name: tensor for name, tensor in state.items() if name.startswith(("class_embed", "bbox_embed"))}
    below = {}
    if detector.row.refine:
        kept = ("bbox_embed", "class_embed") if detector.row.queries == "proposals" else ("bbox_embed",)
        below = {f"transformer.decoder.{name}": t for name, t in heads.items() if name.startswith(kept)}
    if family == "deformable" and not detector.row.heads_per_layer:
        layers = range(1, len(detector.decoder.layers))
        below = {name.replace("embed.0", f"embed.{i}"): t for i in layers for name, t in heads.items()}
    counted = [name for name in state if name.endswith("running_mean")]
    return below | {
        name.replace("running_mean", "num_batches_tracked"): torch.tensor(3) for name in counted[:2]
    }


def official_file(folder: Path, detector: Detector, variant: str, **options: Any) -> Path:
    path = folder / "official.pth"
    args = {"args": argparse.Namespace(**options)} if options else {}
    torch.save({"model": official_state(detector, variant), "epoch": 49} | args, path)
    return path


def same(path: Path, detector: Detector, heads: bool = True) -> None:
    """Every tensor of a file, and no other; without heads of classes if there were none."""
    found, wanted = read_weights(path)[0], detector.state_dict()
    if not heads:
        wanted = {key: value for key, value in wanted.items() if not key.startswith("class_head.")}
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)
