"""A detector file as a folder that Hugging Face's `from_pretrained` loads, every key used."""

import filecmp
import logging
from pathlib import Path

from sdetr.files import folder_written_whole, write_json
from sdetr.interop.detectors import load_detector
from sdetr.interop.folding import folded
from sdetr.interop.hf_config import config_of, preprocessor_of
from sdetr.interop.names import family_of, names
from sdetr.interop.pieces import joined
from sdetr.interop.places import refuse_folder
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import save_tensors
from sdetr.models.mask_head import GROUPS
from sdetr.models.settings import ModelSettings
from sdetr.models.variants import VARIANTS

log = logging.getLogger(__name__)


FILES = ("config.json", "model.safetensors", "preprocessor_config.json")


def export_hf(path: Path, folder: Path, force: bool = False) -> None:
    """Writes all of `folder`, or nothing.

    Raises ValueError for a detector or a setting that Hugging Face has no class for, and for a folder that
    holds anything but this export; another one is replaced if `force`.
    """
    refuse_folder(folder, path, FILES)
    detector, card = load_detector(path)
    _check(card, path)
    tensors, card = folded(dict(detector.state_dict()), card)
    variant = card.model.variant
    table = names(family_of(variant), "hf")
    called = {}
    for key, tensor in tensors.items():
        theirs = table.theirs(key)
        assert theirs is not None, f"{key} of {variant} is in no table"
        called[_where_theirs_looks(theirs, card.model)] = tensor
    with folder_written_whole(folder) as new:
        save_tensors(joined(called), new / "model.safetensors", {"format": "pt"})
        write_json(new / "config.json", config_of(card), indent=2)
        write_json(new / "preprocessor_config.json", preprocessor_of(card), indent=2)
        held = [path.name for path in folder.iterdir()] if folder.exists() else []
        if not force and filecmp.cmpfiles(folder, new, held, shallow=False)[0] != held:
            raise ValueError(
                f"{folder} holds another export; name another folder, or replace it with --force"
            )
    log.info("%s: %d parameters and statistics", variant, len(called))


def _where_theirs_looks(name: str, model: ModelSettings) -> str:
    """Heads that the decoder itself uses stand below it in their files, and nowhere else.

    Beside a mask head the whole detector is one part of two.
    """
    if model.mask_attention:
        return name if name.startswith(("mask_head.", "bbox_attention.")) else f"detr.{name}"
    row = VARIANTS[model.variant]
    inner = row.heads_per_layer and name.startswith("bbox_embed.")
    inner = inner or (row.queries == "proposals" and name.startswith("class_embed."))
    return f"model.decoder.{name}" if inner else name


def _check(card: DetectorCard, path: Path) -> None:
    model, family = card.model, family_of(card.model.variant)
    if model.variant in ("dab_deformable", "dn_dab_deformable"):
        raise ValueError(
            f"{path} is a {model.variant}: Hugging Face has no class for Deformable DETR with anchors"
        )
    whole = family == "dab"  # whose temperature is a setting there, but a whole number
    cannot: dict[str, object] = {
        "model.prenorm": model.prenorm and "true",
        "model.turns": model.turns != 1 and model.turns,
        "model.reference_temperature": model.reference_temperature != 10000 and model.reference_temperature,
        "model.temperature": (model.temperature % 1 if whole else model.temperature != 10000)
        and model.temperature,
        "trunk.dilated": card.trunk.dilated and "true",
    }
    if model.mask_attention:
        halves = [model.width // 2**i for i in range(1, 5)]
        uneven = any(count % min(GROUPS, count) for count in [model.width + model.heads, *halves])
        cannot |= {
            "model.mask_attention": model.mask_attention != "joint" and f"{model.mask_attention} (not joint)",
            "trunk.stages": card.trunk.stages != 4 and f"{card.trunk.stages} (a mask head reads 4)",
            "model.width": uneven and f"{model.width} (a mask head's channels are not shared by {GROUPS})",
        }
    for group in ("cost", "weights"):  # whole numbers there, too
        for term, value in getattr(model.detection, group):
            cannot[f"model.detection.{group}.{term}"] = value % 1 and value
    if wrong := ", ".join(f"{name}: {value}" for name, value in cannot.items() if value):
        raise ValueError(f"{path} has {wrong}, which Hugging Face's class for {family} cannot have")
