import copy
from typing import Any

import pytest
import torch
from torch import nn

from sdetr.data.loader import stack
from sdetr.data.transforms import Targeted
from sdetr.models.detector import Detector
from sdetr.objectives.detection import Detection
from sdetr.objectives.objective import Objective
from sdetr.training.settings import FinetuneRun
from sdetr.training.update import clip_or_refuse, gradients, split
from sdetr.types import View

CPU = torch.device("cpu")


def uneven_view() -> View:
    """Images of several sizes with 0 to 3 objects: what makes normalisers and padding matter."""
    random = torch.Generator().manual_seed(1)
    items = []
    for i, (height, width) in enumerate([(32, 40), (24, 48), (32, 32), (28, 44)]):
        image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=random)
        corner = torch.rand(i, 2, generator=random) * 12
        boxes_xyxy_px = torch.cat([corner, corner + 8], dim=1)
        items.append((Targeted(image, boxes_xyxy_px, torch.arange(i) % 3), i))
    return stack(items, (32, 48))


def detection(settings: dict[str, Any], variant: str) -> Detection:
    no_object = {"no_object": 0.1} if variant == "detr" else {}
    settings["model"] |= {"variant": variant, "dropout": 0.0}
    settings["model"]["detection"] |= no_object
    run = FinetuneRun.model_validate(settings)
    torch.manual_seed(0)
    return Detection(Detector(run.model, run.trunk, 3), run.model.detection)


@pytest.mark.parametrize("variant", ["detr", "conditional"])
@pytest.mark.parametrize("micro", [1, 2, 3])
def test_micro_batches_give_the_gradient_and_the_losses_of_the_whole_batch(
    finetune_settings: dict[str, Any], variant: str, micro: int
) -> None:
    whole = detection(finetune_settings, variant)
    parts = copy.deepcopy(whole)
    view = uneven_view()
    losses, other = gradients(whole, [view], None, CPU), gradients(parts, [view], micro, CPU)
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(
        {name: value.item() for name, value in other.items()}, rel=1e-6, abs=1e-6
    )
    one, two = (
        torch.cat([p.grad.flatten() for p in objective.parameters() if p.grad is not None])
        for objective in (whole, parts)
    )
    assert (one - two).norm() <= 1e-6 * one.norm()


def test_split_keeps_every_image_once_with_what_belongs_to_it() -> None:
    view = uneven_view()
    parts = split(view, 3)
    assert [part.image_ids for part in parts] == [[0, 1, 2], [3]]
    assert [len(labels) for part in parts for labels in part.labels] == [0, 1, 2, 3]
    assert torch.equal(torch.cat([part.images for part in parts]), view.images)
    assert torch.equal(torch.cat([part.padding for part in parts]), view.padding)


class Sick(Objective):
    """A model whose loss, or only whose gradient, is not finite."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.scale = kind, nn.Parameter(torch.zeros(1))
        self.weights = {"label": 1.0, "box": 1.0}

    def normaliser(self, parts: list[list[View]]) -> dict[str, float]:
        return {}

    def forward(self, views: list[View], normaliser: dict[str, float]) -> dict[str, torch.Tensor]:
        box = self.scale.sum() * (float("inf") if self.kind == "loss" else 1)
        label = self.scale.sqrt().sum()  # 0, with an infinite slope
        return {"label": label if self.kind == "gradient" else self.scale.sum(), "box": box}


@pytest.mark.parametrize(("kind", "named"), [("loss", "total, box"), ("gradient", "gradient of scale")])
def test_fault_39_what_is_not_finite_is_named_with_step_and_images_before_any_weight_changes(
    kind: str, named: str
) -> None:
    sick, view = Sick(kind), uneven_view()
    losses = gradients(sick, [view], None, CPU)
    with pytest.raises(FloatingPointError, match="not finite") as caught:
        clip_or_refuse(sick, losses, 1.0, 41, [view])
    assert f"step 41: {named} not finite, on images [0, 1, 2, 3]" in str(caught.value)
    assert sick.scale.item() == 0


def test_the_gradient_is_clipped_by_its_global_norm() -> None:
    sick, view = Sick("none"), uneven_view()
    losses = gradients(sick, [view], 1, CPU)  # 4 micro-batches × 2 terms, slope 1 each
    norm = clip_or_refuse(sick, losses, 0.1, 0, [view])
    assert norm.item() == pytest.approx(8)
    assert sick.scale.grad is not None
    assert sick.scale.grad.item() == pytest.approx(0.1, rel=1e-4)
