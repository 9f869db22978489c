"""The frozen ResNet-50 as detectors run it, beside torchvision's with its own frozen norms, as shipped.

First in a process as it starts, then with freed memory kept, as where we train: of that their many maps gain
more than our few, and both are said.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
import torchvision
from torch import Tensor
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FrozenBatchNorm2d

from sdetr.models.detector import Detector
from sdetr.training.device import choose_device, rounds_frozen
from tests.bench.harness import LeftOutError, Row, all_in_turn, main, timed
from tests.models.small import CLASSES, model_settings, randomise, trunk_settings

SHAPES = {"views": (2, 3, 320, 416), "crops": (20, 3, 128, 128)}
ROUNDS = 11
Maps = Callable[[Tensor], list[Tensor]]


def rows() -> Iterator[Row]:
    theirs = torchvision_maps(range(4, 5))
    ours, aims = {"fp32": frozen_detector(theirs)}, {"fp32": 1.35, "bf16": 2.7}
    missing = ""
    try:
        rounded_on = rounds_frozen("frozen_anywhere", torch.device("cpu"))
        ours["bf16"] = frozen_detector(theirs)  # each keeps its kernels
        ours["bf16"].rounded_on = rounded_on
    except ValueError as error:
        missing = f"bfloat16: {error}"
    for what, shape in SHAPES.items():
        yield from _beside(f"frozen R50, {what} {_says(shape)}", shape, ours, theirs, aims)
    choose_device("cpu")
    what, shape = next(iter(SHAPES.items()))
    yield from _beside(f"the same {what}, freed memory kept by both", shape, ours, theirs, {})
    if missing:
        raise LeftOutError(missing)


def _beside(
    what: str, shape: tuple[int, ...], ours: dict[str, Detector], theirs: Maps, aims: dict[str, float]
) -> Iterator[Row]:
    """A row for each of ours; they and the reference take turns."""
    images = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    ways = [*(partial(detector.features, images) for detector in ours.values()), partial(theirs, images)]
    *seconds, reference = all_in_turn(ways, ROUNDS)
    for (kind, detector), taken in zip(ours.items(), seconds, strict=True):
        note = f"values within {apart(detector.features(images), theirs(images)):.1g} of theirs"
        yield timed(f"{what}, {kind}", "torchvision, fp32", (taken, reference), aims.get(kind), note)


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
