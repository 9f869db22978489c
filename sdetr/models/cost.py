"""What a detector costs: its parameters, and the multiply-adds of one image, counted without doing them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sdetr.models.backbone import ResNet
from sdetr.models.detector import Detector
from sdetr.models.settings import ModelSettings, TrunkSettings
from sdetr.types import View


@dataclass(frozen=True)
class Cost:
    """Of convolutions, matrix products and samples; sums, norms and activations are not counted."""

    parameters: int
    trainable: int  # as the papers train: all but stem and first stage
    multiply_adds: int


def cost(model: ModelSettings, trunk: TrunkSettings, classes: int, size: tuple[int, int]) -> Cost:
    """Of a detector that is asked about one unpadded image of size (H, W)."""
    with torch.device("meta"):  # shapes without numbers
        detector = Detector(model, trunk, classes).eval()
    parameters = _count(detector)
    detector.freeze_backbone(lr_backbone=1.0)
    trainable = _count(detector)
    maps, seen = _looked(trunk, size)
    with torch.device("meta"):
        view = View(torch.zeros(1, 3, *size), torch.zeros(1, *size, dtype=torch.bool), [0], maps=list(maps))
    return Cost(parameters, trainable, seen + _multiply_adds(detector, view)[1])


@lru_cache
def _looked(trunk: TrunkSettings, size: tuple[int, int]) -> tuple[tuple[Tensor, ...], int]:
    """A backbone's maps of an image, and its multiply-adds: the same for every detector behind it."""
    with torch.device("meta"):
        backbone, image = ResNet(trunk), torch.zeros(1, 3, *size)
    maps, count = _multiply_adds(backbone, image)
    return tuple(maps), count


def _multiply_adds(module: nn.Module, asked: Any) -> tuple[Any, int]:
    module.requires_grad_(False)  # the counter would follow gradients
    samples = {torch.ops.aten.grid_sampler_2d: _of_samples}
    with FlopCounterMode(display=False, custom_mapping=samples) as counter:
        answer = module(asked)
    return answer, counter.get_total_flops() // 2  # it counts multiplications and additions


def _of_samples(*_: Any, out_shape: torch.Size, **__: Any) -> int:
    """Every sampled number is a sum over four cells, and goes into a weighted sum: 5 multiply-adds."""
    return 2 * 5 * out_shape.numel()


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
