"""A detector file as a folder that Hugging Face's `from_pretrained` loads, every key used."""

import logging
from pathlib import Path

from sdetr.files import write_json
from sdetr.interop.detectors import load_detector
from sdetr.interop.folding import folded
from sdetr.interop.hf_config import config_of, preprocessor_of
from sdetr.interop.names import Family, names
from sdetr.interop.pieces import joined
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import save_tensors
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VARIANTS

log = logging.getLogger(__name__)


def export_hf(path: Path, folder: Path) -> None:
    """Raises ValueError for a detector or a setting that Hugging Face has no class for."""
    detector, card = load_detector(path)
    _check(card, path)
    tensors, card = folded(dict(detector.state_dict()), card)
    variant = card.model.variant
    family: Family = variant.split("_")[0]  # type: ignore[assignment]
    table = names(family, "hf")
    called = {}
    for key, tensor in tensors.items():
        theirs = table.theirs(key)
        assert theirs is not None, f"{key} of {variant} is in no table"
        called[_where_theirs_looks(theirs, card.model)] = tensor
    save_tensors(joined(called), folder / "model.safetensors", {"format": "pt"})
    write_json(folder / "config.json", config_of(card), indent=2)
    write_json(folder / "preprocessor_config.json", preprocessor_of(card), indent=2)
    log.info("%s: %d parameters and statistics", variant, len(called))


def _where_theirs_looks(name: str, model: ModelSettings) -> str:
    """Heads that the decoder itself uses stand below it in their files, and nowhere else."""
    row = VARIANTS[model.variant]
    inner = row.heads_per_layer and name.startswith("bbox_embed.")
    inner = inner or (row.queries == "proposals" and name.startswith("class_embed."))
    return f"model.decoder.{name}" if inner else name


def _check(card: DetectorCard, path: Path) -> None:
    model, family = card.model, card.model.variant.split("_")[0]
    if model.variant in ("dab_deformable", "dn_dab_deformable"):
        raise ValueError(
            f"{path} is a {model.variant}: Hugging Face has no class for Deformable DETR with anchors"
        )
    cannot = {
        "model.prenorm": model.prenorm,
        "model.turns": model.turns != 1,
        "model.reference_temperature": model.reference_temperature != 10000,
        "model.temperature": not model.temperature.is_integer()
        if family == "dab"
        else model.temperature != 10000,
        "trunk.dilated": card.trunk.dilated,
    }
    if wrong := [name for name, is_so in cannot.items() if is_so]:
        found = card.model_dump()
        said = ", ".join(
            f"{name}: {found[group][field]}" for name in wrong for group, field in [name.split(".")]
        )
        raise ValueError(f"{path} has {said}, which Hugging Face's class for {family} cannot have")
