"""What a published file says of its detector in words, by the names of our settings."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdetr.data.settings import ResizeSettings

ARGS = {
    "nheads": "heads",
    "num_queries": "queries",
    "dropout": "dropout",
    "pe_temperatureH": "temperature",
    "set_cost_class": "detection.cost.label",
    "set_cost_bbox": "detection.cost.box",
    "set_cost_giou": "detection.cost.giou",
    "cls_loss_coef": "detection.weights.label",
    "bbox_loss_coef": "detection.weights.box",
    "giou_loss_coef": "detection.weights.giou",
    "eos_coef": "detection.no_object",
    "scalar": "denoising.groups",
    "label_noise_scale": "denoising.label_noise",
    "box_noise_scale": "denoising.box_noise",
}
"""Options of the papers' trainers → our fields."""


@dataclass(frozen=True)
class Facts:
    """Words beside weights."""

    origin: str
    """Where they stand, for messages."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Dotted names of `ModelSettings` fields → values."""
    dilated: bool | None = None
    classes: tuple[str, ...] = ()
    resize: ResizeSettings | None = None


def facts_of_args(said: Any, path: Path) -> Facts:
    """Of a trainer's `args`. Raises ValueError if they are none, or what only other models have is on."""
    if said is None:
        return Facts(f"{path}, which has no args")
    origin = f"args of {path}"
    if not isinstance(said, argparse.Namespace | dict):
        raise ValueError(f"{origin}: found a {type(said).__name__}, expected the options of a trainer")
    options = said if isinstance(said, dict) else vars(said)
    sides = ("pe_temperatureH", "pe_temperatureW")
    rows, columns = (plain(options[s], f"{origin}: {s}") if s in options else None for s in sides)
    if rows != columns:
        raise ValueError(
            f"{origin}: pe_temperatureH {rows} and pe_temperatureW {columns} differ; here they are one number"
        )
    if options.get("position_embedding", "sine") not in ("sine", "v2"):
        raise ValueError(f"{origin}: position_embedding {options['position_embedding']!r}, expected sine")
    fields = {
        ours: plain(options[theirs], f"{origin}: {theirs}")
        for theirs, ours in ARGS.items()
        if theirs in options
    }
    dilated = options.get("dilation")
    if not isinstance(dilated, bool | None):
        raise ValueError(f"{origin}: dilation is {dilated!r}, expected True or False")
    return Facts(origin, fields, dilated)


def plain(value: Any, where: str) -> int | float:
    """A number of a file that anyone may have written."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} is a {type(value).__name__}, expected a number")
    return value
