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

BACKBONE: dict[str, tuple[Any, ...]] = {
    "hidden_act": ("relu",),
    "downsample_in_first_stage": (False,),
    "downsample_in_bottleneck": (False,),
}

IMAGES: dict[str, tuple[Any, ...]] = {
    "do_resize": (True,),
    "resample": (2,),  # bilinear
    "do_rescale": (True,),
    "rescale_factor": (1 / 255,),
    "do_normalize": (True,),
    "image_mean": (list(MEAN),),
    "image_std": (list(DEVIATION),),
}
"""How images are seen here."""

PUBLISHED_RESIZE = ResizeSettings(short=800, longest=1333)
"""How all of the papers test on COCO, and what Hugging Face does to images unless a file says otherwise."""


def facts_of_config(config: Mapping[str, Any], preprocessor: Mapping[str, Any], path: Path) -> Facts:
    """Raises ValueError for what cannot be said here, by the name of the field."""
    _expect(config, EXPECTED, f"{path}: ")
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
    if not isinstance(backbone, dict):
        raise ValueError(f"{path}: backbone_config is {backbone!r}, expected an object")
    _expect(backbone, BACKBONE, f"{path}: backbone_config.")
    dilated = bool(config.get("dilation")) or backbone.get("output_stride") == 16
    return Facts(str(path), fields, dilated, _classes(config, path), _resize(preprocessor, path))


def _classes(config: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    labels = config.get("id2label") or {}
    if not isinstance(labels, dict):
        raise ValueError(f"{path}: id2label is a {type(labels).__name__}, expected an object: number to name")
    numbers = [str(number) for number in range(len(labels))]
    if wrong := sorted(labels.keys() - set(numbers)):
        raise ValueError(
            f"{path}: id2label numbers {len(labels)} classes otherwise than from 0 on: {wrong[0]!r} is one"
        )
    return tuple(str(labels[number]) for number in numbers)


def _resize(said: Mapping[str, Any], path: Path) -> ResizeSettings | None:
    where = f"{path.with_name('preprocessor_config.json')}: "
    _expect(said, IMAGES, where)
    size = said.get("size")
    if size is None:
        return None
    if isinstance(size, int):  # as files say that are older than 2023
        size = {"shortest_edge": size, "longest_edge": said.get("max_size")}
    edges = size if isinstance(size, dict) else {}
    short, longest = edges.get("shortest_edge"), edges.get("longest_edge")
    if type(short) is not int or type(longest) is not int or not 1 <= short <= longest:
        raise ValueError(
            f"{where}size is {size!r}, expected shortest_edge and longest_edge, pixels, the smaller first"
        )
    return ResizeSettings(short=short, longest=longest)


def _expect(said: Mapping[str, Any], known: Mapping[str, tuple[Any, ...]], where: str) -> None:
    """Raises ValueError for a field that says anything but what it must; one that is not there says it."""
    for name, values in known.items():
        found = said.get(name, values[0])
        if not any(found == value for value in values):
            raise ValueError(f"{where}{name} is {found!r}, expected {' or '.join(map(repr, values))}")
