"""The frozen ResNet-50 as detectors run it, beside torchvision's with its own frozen norms, as shipped."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
import torchvision
from torch import Tensor
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FrozenBatchNorm2d

from sdetr.models.detector import Detector
from sdetr.training.device import rounds_frozen
from tests.bench.harness import LeftOutError, Row, in_turn, main, timed
from tests.models.small import CLASSES, model_settings, randomise, trunk_settings

SHAPES = {"views": (2, 3, 320, 416), "crops": (20, 3, 128, 128)}
ROUNDS = 7
Maps = Callable[[Tensor], list[Tensor]]


def rows() -> Iterator[Row]:
    theirs = torchvision_maps(range(4, 5))
    ours = frozen_detector(theirs)
    for what, shape in SHAPES.items():
        images = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        note = f"values within {apart(ours.features(images), theirs(images)):.0e}"
        seconds = in_turn(partial(ours.features, images), partial(theirs, images), ROUNDS)
        yield timed(f"frozen R50, {what} {_says(shape)}, fp32", "torchvision, fp32", seconds, 1.35, note)
    try:
        ours.rounded_on = rounds_frozen("frozen_anywhere", torch.device("cpu"))
    except ValueError as error:
        raise LeftOutError(f"bfloat16: {error}") from error
    for what, shape in SHAPES.items():
        images = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        note = f"values within {apart(ours.features(images), theirs(images)):.1%}"
        seconds = in_turn(partial(ours.features, images), partial(theirs, images), ROUNDS)
        yield timed(f"frozen R50, {what} {_says(shape)}, bf16", "torchvision, fp32", seconds, 2.7, note)


def torchvision_maps(stages: range) -> Maps:
    """Maps of some stages of their whole module without the classifier; its weights are random."""
    module = randomise(torchvision.models.resnet50(norm_layer=FrozenBatchNorm2d))
    layers = {f"layer{stage}": str(stage) for stage in stages}
    theirs = IntermediateLayerGetter(module, layers).eval().requires_grad_(False)

    def maps(images: Tensor) -> list[Tensor]:
        with torch.no_grad():
            return list(theirs(images).values())

    maps.state_dict = theirs.state_dict  # type: ignore[attr-defined]
    return maps


def frozen_detector(theirs: Maps) -> Detector:
    """A small detector behind their backbone's weights."""
    detector = Detector(model_settings("detr"), trunk_settings(width=64), CLASSES).eval()
    detector.backbone.load_state_dict(theirs.state_dict())  # type: ignore[attr-defined]
    detector.freeze_backbone(0.0)
    return detector


def apart(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Of all maps the most: how far they are apart, a share of how large they are."""
    return max(float((a - b).norm() / b.norm()) for a, b in zip(ours, theirs, strict=True))


def _says(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


if __name__ == "__main__":
    main(rows)
