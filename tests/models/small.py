"""Detectors and views small enough for a test, with nothing left at a value that hides mistakes."""

from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.models.detector import Detector
from sdetr.models.settings import DetectionSettings, ModelSettings, TrunkSettings, Weights3
from sdetr.models.variants import VARIANTS
from sdetr.types import Memory, View

CLASSES = 5
DRAWN = ("position", "content", "anchors", "patterns", "level", "labels", "unknown")
"""Names of parameters that start as normal noise."""
PARAMS = Params(Path(__file__).parents[2] / "params")
MODELS = PARAMS.names("models")
M = TypeVar("M", bound=nn.Module)


def settings_of(model: str, scale: str) -> ModelSettings:
    """Of a file in params/models."""
    return Composer(PARAMS, scale).model(model, {"model": PARAMS.kin("models", model)})


def detection_settings(variant: str, **changes: Any) -> DetectionSettings:
    focal = VARIANTS[variant].focal
    three = Weights3(label=2.0 if focal else 1.0, box=5.0, giou=2.0)
    no_object = None if focal else 0.1
    return DetectionSettings(**{"cost": three, "weights": three, "no_object": no_object, **changes})


def model_settings(variant: str, **changes: Any) -> ModelSettings:
    sizes = {"queries": 7, "width": 64, "heads": 8, "ffn": 96, "encoder_layers": 2, "decoder_layers": 3}
    rest: dict[str, Any] = {"dropout": 0.1, "temperature": 10000.0, "detection": detection_settings(variant)}
    if VARIANTS[variant].denoise:
        rest["denoising"] = {"groups": 3, "label_noise": 0.2, "box_noise": 0.4}
    return ModelSettings.model_validate({"variant": variant, **sizes, **rest, **changes})


def trunk_settings(**changes: Any) -> TrunkSettings:
    return TrunkSettings(**{"arch": "resnet50", "width": 4, **changes})


def small_detector(variant: str, **changes: Any) -> Detector:
    """Random everywhere, in eval mode."""
    detector = Detector(model_settings(variant, **changes), trunk_settings(), CLASSES)
    return randomise(detector).eval()


def randomise(module: M, seed: int = 0) -> M:
    """Norms, biases and statistics included: a fresh LayerNorm twice is a LayerNorm once."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(module.state_dict().items()):
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        elif tensor.dim() == 1:  # weights of one dimension are norms
            tensor.copy_(0.2 * noise + name.endswith("weight"))
        elif name.split(".")[-1] in DRAWN:
            tensor.copy_(noise)
        elif tensor.dim() > 1:
            tensor.copy_(noise / tensor[0].numel() ** 0.5 * 1.2)
    return module


def padded_view(seed: int = 1, sizes: tuple[tuple[int, int], ...] = ((96, 70), (50, 160))) -> View:
    """Images of different sizes, zero where padded, with three, none, one, three … objects.

    Of the default sizes each leaves whole cells of a stride-32 map padded.
    """
    generator = torch.Generator().manual_seed(seed)
    height, width = (max(size[axis] for size in sizes) for axis in (0, 1))
    images = torch.zeros(len(sizes), 3, height, width)
    padding = torch.ones(len(sizes), height, width, dtype=torch.bool)
    for i, (high, wide) in enumerate(sizes):
        images[i, :, :high, :wide] = torch.randn(3, high, wide, generator=generator)
        padding[i, :high, :wide] = False
    counts = [(3, 0, 1)[i % 3] for i in range(len(sizes))]
    boxes = [random_boxes(count, generator) for count in counts]
    labels = [torch.randint(CLASSES, (count,), generator=generator) for count in counts]
    return View(images, padding, [100 + i for i in range(len(sizes))], boxes, labels)


def random_boxes(count: int, generator: torch.Generator) -> Tensor:
    centre = 0.3 + 0.4 * torch.rand(count, 2, generator=generator)
    return torch.cat([centre, 0.1 + 0.4 * torch.rand(count, 2, generator=generator)], dim=-1)


def bare_memory(tokens: Tensor, padding: Tensor, position: Tensor, shapes: list[tuple[int, int]]) -> Memory:
    """Tokens of levels without padding of their own, in front of no backbone."""
    share = torch.ones(len(tokens), len(shapes), 2)
    return Memory(tokens, position, padding, shapes, share, torch.zeros(*padding.shape, 2), [])
