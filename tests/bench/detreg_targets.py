"""How boxes look, for DETReg: its released code runs the whole network on the crops of an image at a time."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from sdetr.models.backbone import ResNet
from sdetr.models.detector import Detector
from sdetr.objectives.detreg import Detreg
from sdetr.objectives.settings import DetregSettings
from sdetr.types import View
from tests.bench.backbone import Maps, torchvision_maps
from tests.bench.harness import Row, in_turn, main, timed
from tests.models.small import CLASSES, detection_settings, model_settings, random_boxes, trunk_settings

STAGE = 2
IMAGES, CROPS, SIDE_PX = 2, 30, 128


def rows() -> Iterator[Row]:
    theirs = torchvision_maps(range(1, 5))
    ours, view = detreg(theirs), with_crops(IMAGES, CROPS, SIDE_PX)
    torch.testing.assert_close(ours._looks(view), image_by_image(theirs, view), rtol=1e-4, atol=1e-5)
    seconds = in_turn(partial(ours._looks, view), partial(image_by_image, theirs, view), rounds=5)
    what = f"DETReg's targets, {IMAGES} images of {CROPS} crops of {SIDE_PX} px, fp32"
    yield timed(what, "torchvision to the end, image by image", seconds, at_least=1.8, note="same values")


def image_by_image(theirs: Maps, view: View) -> Tensor:
    """(B, N, C): all stages are computed, one is averaged."""
    assert view.crops is not None
    return torch.stack([theirs(crops)[STAGE - 1].mean(dim=(2, 3)) for crops in view.crops])


def detreg(theirs: Maps) -> Detreg:
    """With their network as its target."""
    target = ResNet(trunk_settings(width=64, stages=STAGE))
    state = theirs.state_dict()  # type: ignore[attr-defined]
    target.load_state_dict({key: state[key] for key in target.state_dict()})
    values = {
        "kind": "detreg",
        "views": "v",
        "target": "t",
        "target_stage": STAGE,
        "embedding": 1.0,
        "logits": 2,
    }
    detector = Detector(model_settings("deformable"), trunk_settings(), CLASSES)
    return Detreg(detector, DetregSettings.model_validate(values), detection_settings("deformable"), target)


def with_crops(images: int, crops: int, side_px: int) -> View:
    """Of the images themselves there is next to nothing."""
    random = torch.Generator().manual_seed(0)
    pixels = torch.randn(images, crops, 3, side_px, side_px, generator=random)
    boxes = [random_boxes(crops, random) for _ in range(images)]
    labels = [torch.ones(crops, dtype=torch.int64) for _ in range(images)]
    nothing = torch.zeros(images, 3, 32, 32)
    return View(nothing, nothing[:, 0] > 0, list(range(images)), boxes, labels, pixels)


if __name__ == "__main__":
    main(rows)
