"""What the shapes of a detector's parameters say of it."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sdetr.interop.names import Family
from sdetr.models.backbone import BLOCKS, BOTTLENECK
from sdetr.models.settings import ModelSettings, TrunkSettings
from sdetr.models.variants import VARIANTS

Tensors = Mapping[str, Tensor]


def variant_of(tensors: Tensors, family: Family) -> str:
    """The row of the table of variants, by parameters that only it has."""
    if family == "dab":
        return "dn_dab" if "queries.labels" in tensors else "dab"
    if family != "deformable":
        return family
    if "queries.anchors" in tensors:
        return "dn_dab_deformable" if "queries.labels" in tensors else "dab_deformable"
    if "queries.feature.weight" in tensors:
        return "deformable_two_stage"
    if "box_head.1.layers.0.weight" in tensors:
        return "deformable_refine"
    return "deformable_ss" if tensors["tokens.level"].shape[:1] == (1,) else "deformable"


def sizes_of(tensors: Tensors, variant: str, source: str) -> dict[str, Any]:
    """Fields of `ModelSettings` that follow from shapes. Raises ValueError if a parameter is not there."""
    sizes: dict[str, Any] = {
        "variant": variant,
        "width": _rows(tensors, "decoder.layers.0.beside_feed.norm.weight", source),
        "ffn": _rows(tensors, "decoder.layers.0.feed_forward.widen.weight", source),
        "encoder_layers": _count(tensors, r"encoder\.layers\.(\d+)\..+"),
        "decoder_layers": _count(tensors, r"decoder\.layers\.(\d+)\..+"),
    }
    row = VARIANTS[variant]
    learned = "queries.anchors" if row.queries == "anchors" else "queries.position"
    if learned in tensors:
        sizes["queries"] = _rows(tensors, learned, source)
    if row.queries == "anchors":
        repeated = "queries.patterns" in tensors
        sizes["patterns"] = _rows(tensors, "queries.patterns", source) if repeated else 0
    if row.prenorm:
        sizes["prenorm"] = "encoder.norm.weight" in tensors
    if has_masks(tensors):  # a map of every head stands beside the states
        sizes["heads"] = _rows(tensors, "mask_head.first.norm.weight", source) - sizes["width"]
    return sizes


def has_masks(tensors: Tensors) -> bool:
    return any(name.startswith("mask_head.") for name in tensors)


def points_of(tensors: Tensors, settings: ModelSettings, source: str) -> int:
    """Samples per query, head and level, given how many heads there are."""
    found = _rows(tensors, "decoder.layers.0.cross_attention.weights.bias", source)
    each = settings.heads * settings.levels
    if found % each:
        raise ValueError(
            f"{source} weighs {found} samples a query, which {settings.heads} heads on {settings.levels} "
            "levels cannot share evenly; which has how many?"
        )
    return found // each


def classes_of(tensors: Tensors, variant: str, source: str) -> int:
    """No object not counted; 0 without class head. Raises ValueError for a head that knows no class."""
    if "class_head.0.bias" not in tensors:
        return 0
    logits, none = tensors["class_head.0.bias"].numel(), int(not VARIANTS[variant].focal)
    if logits <= none:
        rows = f"{logits} rows" + (", and the last one is of no object" if none else "")
        raise ValueError(
            f"{source}: its class head knows no class: it has {rows}; fine-tune a pretrained file"
        )
    return logits - none


def trunk_of(tensors: Tensors, dilated: bool, source: str) -> TrunkSettings:
    """Raises ValueError for a backbone that is none of ours."""
    blocks = tuple(_count(tensors, rf"backbone\.layer{stage}\.(\d+)\..+") for stage in range(1, 5))
    bottleneck = "backbone.layer1.0.conv3.weight" in tensors
    stages = sum(count > 0 for count in blocks)
    for arch, expected in BLOCKS.items():
        if blocks[:stages] == expected[:stages] and (arch in BOTTLENECK) == bottleneck and stages:
            width = _rows(tensors, "backbone.conv1.weight", source)
            said = {"arch": arch, **({} if width == 64 else {"width": width})}
            said |= {} if stages == 4 else {"stages": stages}
            return TrunkSettings.model_validate(said | ({"dilated": True} if dilated else {}))
    kind = "bottleneck blocks" if bottleneck else "plain blocks"
    raise ValueError(f"{source}: a backbone of {blocks} {kind} is none of {', '.join(BLOCKS)}")


def _rows(tensors: Tensors, name: str, source: str) -> int:
    """The first size of a parameter. Raises ValueError if it is not there."""
    if name not in tensors or not tensors[name].dim():
        raise ValueError(f"{source} has no {name}, as it is called here, or one of no size")
    return len(tensors[name])


def _count(tensors: Tensors, pattern: str) -> int:
    """How many numbers stand in names of this pattern."""
    return len({match[1] for name in tensors if (match := re.fullmatch(pattern, name))})
