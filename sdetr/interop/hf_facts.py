"""What Hugging Face's `config.json` and `preprocessor_config.json` say, in our words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdetr.data.normalise import DEVIATION, MEAN
from sdetr.data.settings import ResizeSettings
from sdetr.interop.facts import Facts, plain

FIELDS = {
    "heads": ("encoder_attention_heads", "decoder_attention_heads"),
    "queries": ("num_queries",),
    "dropout": ("dropout",),
    "temperature": ("temperature_height", "temperature_width"),
    "detection.cost.label": ("class_cost",),
    "detection.cost.box": ("bbox_cost",),
    "detection.cost.giou": ("giou_cost",),
    "detection.weights.label": ("cls_loss_coefficient",),
    "detection.weights.box": ("bbox_loss_coefficient",),
    "detection.weights.giou": ("giou_loss_coefficient",),
    "detection.no_object": ("eos_coefficient",),
}
"""Our fields that no shape tells → theirs, all of which have to agree."""

EXPECTED: dict[str, tuple[Any, ...]] = {
    "position_embedding_type": ("sine",),
    "activation_function": ("relu", "prelu"),
    "normalize_before": (False,),
    "keep_query_pos": (False,),
    "sine_position_embedding_scale": (None,),
}
"""What a detector here cannot be otherwise."""

PUBLISHED_RESIZE = ResizeSettings(short=800, longest=1333)
"""How all of the papers test on COCO, and what Hugging Face does to images unless a file says otherwise."""


def facts_of_config(config: Mapping[str, Any], preprocessor: Mapping[str, Any], path: Path) -> Facts:
    """Raises ValueError for what cannot be said here, by the name of the field."""
    for name, known in EXPECTED.items():
        if config.get(name, known[0]) not in known:
            raise ValueError(f"{path}: {name} is {config[name]!r}, expected {' or '.join(map(repr, known))}")
    queries = ("two_stage_num_proposals",) if config.get("two_stage") else FIELDS["queries"]
    fields = {}
    for ours, theirs in (FIELDS | {"queries": queries}).items():
        said = {name: plain(config[name], f"{path}: {name}") for name in theirs if name in config}
        if len(set(said.values())) > 1:
            words = " and ".join(f"{name} {value}" for name, value in said.items())
            raise ValueError(f"{path}: {words} differ; here they are one number")
        if said:
            fields[ours] = next(iter(said.values()))
    backbone = config.get("backbone_config") or {}
    for name in ("downsample_in_first_stage", "downsample_in_bottleneck"):
        if backbone.get(name):
            raise ValueError(f"{path}: backbone_config.{name} is set, which no backbone here can be")
    dilated = bool(config.get("dilation")) or backbone.get("output_stride") == 16
    return Facts(str(path), fields, dilated, _classes(config, path), _resize(preprocessor, path))


def _classes(config: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    labels = config.get("id2label") or {}
    numbers = sorted(int(key) for key in labels)
    if numbers != list(range(len(numbers))):
        raise ValueError(f"{path}: id2label numbers {len(labels)} classes otherwise than from 0 on")
    return tuple(str(labels[str(number)]) for number in numbers)


def _resize(said: Mapping[str, Any], path: Path) -> ResizeSettings | None:
    for name, expected in (("image_mean", MEAN), ("image_std", DEVIATION)):
        if tuple(said.get(name, expected)) != expected:
            raise ValueError(
                f"{path.parent}: images are normalised by {name} {said[name]}, expected {expected}"
            )
    size = said.get("size")
    if size is None:
        return None
    if isinstance(size, int):  # as files say that are older than 2023
        size = {"shortest_edge": size, "longest_edge": said.get("max_size")}
    short, longest = (size.get(f"{side}_edge") for side in ("shortest", "longest"))
    if not isinstance(short, int) or not isinstance(longest, int):
        raise ValueError(
            f"{path.parent}: images of size {size}, expected shortest_edge and longest_edge, pixels"
        )
    return ResizeSettings(short=short, longest=longest)
