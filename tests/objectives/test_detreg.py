"""DETReg against loops, and its traps."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from sdetr.models.backbone import ResNet
from sdetr.models.detector import Detector
from sdetr.models.settings import TrunkSettings
from sdetr.objectives.detection import Detection
from sdetr.objectives.detreg import Detreg
from sdetr.objectives.matcher import match
from sdetr.objectives.settings import DetregSettings
from sdetr.objectives.targets import padded_targets
from sdetr.types import View
from tests.models.small import (
    detection_settings,
    model_settings,
    padded_view,
    random_boxes,
    randomise,
    trunk_settings,
)

LOGITS, COUNTS = 6, (3, 1, 2)
VARIANTS = ["detr", "conditional", "deformable", "deformable_two_stage", "dn_dab_deformable"]


def settings(**changes: Any) -> DetregSettings:
    values = {"kind": "detreg", "views": "v", "target": "swav_r50", "target_stage": 2}
    return DetregSettings.model_validate(values | {"embedding": 1.0, "logits": LOGITS} | changes)


def small_detreg(variant: str, logits: int = LOGITS, **changes: Any) -> Detreg:
    """Random everywhere, in eval mode; the target's network is another one than the detector's."""
    detector = Detector(model_settings(variant, dropout=0.0), trunk_settings(), logits)
    target = ResNet(TrunkSettings(arch="resnet18", width=8, stages=2))
    objective = Detreg(detector, settings(logits=logits, **changes), detection_settings(variant), target)
    return randomise(objective).eval().double()


def with_boxes(seed: int = 1) -> View:
    """As many boxes as `COUNTS`, and their crops."""
    generator = torch.Generator().manual_seed(seed)
    view = padded_view(seed, ((96, 70), (50, 160), (64, 64)))
    boxes = [random_boxes(count, generator).double() for count in COUNTS]
    crops = torch.randn(3, max(COUNTS), 3, 32, 32, generator=generator).double()
    labels = [torch.ones(count, dtype=torch.int64) for count in COUNTS]
    return replace(view, images=view.images.double(), boxes=boxes, labels=labels, crops=crops)


def losses_of(objective: Detection, view: View) -> dict[str, float]:
    with torch.no_grad():
        losses = objective([view], objective.normaliser([[view]]))
    return {name: float(loss) for name, loss in losses.items()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_detreg_t8_t17_losses_are_the_detectors_own_about_class_1_and_a_mean_of_differences(
    variant: str,
) -> None:
    objective, view = small_detreg(variant), with_boxes()
    found = losses_of(objective, view)
    assert list(found) == list(objective.weights)
    supervised = losses_of(Detection(objective.detector, detection_settings(variant)).eval(), view)
    assert {name: found[name] for name in supervised} == supervised  # with_boxes' labels are 1
    with torch.no_grad():
        said = objective.detector(view)
        pairs = match(said, padded_targets(view), objective.cost, objective.detector.focal)
        total, number = 0.0, 0
        for image, query, box in zip(
            *(x.tolist() for x in (pairs.image, pairs.query[-1], pairs.target[-1])), strict=True
        ):
            wanted = objective.target(view.crops[image, box][None])[-1][0].mean((1, 2))
            said_of_it = objective.embedding_head(said.hidden[-1, image, query])
            for a, b in zip(said_of_it.tolist(), wanted.tolist(), strict=True):
                total, number = total + abs(a - b), number + 1
    assert number == sum(COUNTS) * 16  # stage 2 of a network of width 8
    assert found["embedding"] == pytest.approx(total / number, rel=1e-9)


def test_detreg_t18_two_stages_say_how_boxes_look_and_guess_them_in_the_first() -> None:
    objective, view = small_detreg("deformable_two_stage"), with_boxes()
    found = losses_of(objective, view)
    assert {"embedding", "first_label", "first_box", "first_giou"} <= found.keys()
    (boxes,), _ = objective.found([view])
    assert [len(one) for one in boxes] == list(COUNTS)
    losses = objective([view], objective.normaliser([[view]]))
    losses["embedding"].backward()
    gradient = objective.detector.queries.embed.weight.grad
    assert gradient is not None and gradient.any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_detreg_t15_the_embedding_is_as_wide_as_the_targets_last_stage_whatever_the_detector_reads(
    variant: str,
) -> None:
    objective = small_detreg(variant)
    assert objective.embedding_head.layers[-1].out_features == objective.target.channels[1] == 16
    assert len(objective.embedding_head.layers) == 2  # one hidden layer
    assert ResNet(TrunkSettings(arch="resnet50", stages=2)).channels[-1] == 512


def test_labels_of_the_view_do_not_matter() -> None:
    objective, view = small_detreg("deformable"), with_boxes()
    other = replace(view, labels=[torch.full_like(labels, 4) for labels in view.labels])
    assert losses_of(objective, other) == losses_of(objective, view)


def test_detreg_t8_only_the_second_logit_is_ever_wanted() -> None:
    objective, view = small_detreg("deformable"), with_boxes()
    losses = objective([view], objective.normaliser([[view]]))
    head = objective.detector.class_head[0]
    gradient = torch.autograd.grad(losses["label"], head.bias)[0]
    before = losses_of(objective, view)["label"]
    with torch.no_grad():
        head.bias[[0, 2, 3, 4, 5]] -= 5.0  # sure of no other class
    assert losses_of(objective, view)["label"] < before
    assert (gradient[[0, 2, 3, 4, 5]] > 0).all()


def test_detreg_t14_the_target_network_never_changes() -> None:
    objective, view = small_detreg("detr"), with_boxes()
    objective.train()
    assert not objective.target.training and objective.detector.training
    assert not any(p.requires_grad for p in objective.target.parameters())
    sum(objective([view], objective.normaliser([[view]])).values()).backward()
    assert all(p.grad is None for p in objective.target.parameters())
    embedding = objective.embedding_head.layers[0].weight.grad
    assert embedding is not None and embedding.any()


def test_crops_that_pad_a_batch_are_not_looked_at() -> None:
    objective, view = small_detreg("conditional"), with_boxes()
    assert view.crops is not None
    noise = view.crops.clone()
    noise[1, 1:], noise[2, 2:] = 7.0, -7.0
    assert losses_of(objective, replace(view, crops=noise)) == losses_of(objective, view)


def test_the_embedding_is_learned_from_the_last_layer_alone() -> None:
    objective, view = small_detreg("conditional"), with_boxes()
    seen: list[torch.Tensor] = []
    objective.embedding_head.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    losses_of(objective, view)
    (hidden,) = seen
    assert hidden.shape == (sum(COUNTS), objective.detector.width)


def test_without_weight_nothing_is_embedded() -> None:
    objective = small_detreg("detr", embedding=0.0)
    assert "embedding" not in objective.weights
    assert "embedding" not in losses_of(objective, with_boxes())


def test_its_class_head_is_named() -> None:
    classes = small_detreg("detr", logits=3).classes
    assert classes == ("unused-0", "object", "unused-2")
    with pytest.raises(ValueError, match="logits: 1, but objects are class 1; give 2 or more"):
        small_detreg("detr", logits=1)


def test_what_was_found_is_where_boxes_are_said_to_be() -> None:
    objective, view = small_detreg("deformable"), with_boxes()
    (boxes,), iou = objective.found([view])
    assert [len(one) for one in boxes] == list(COUNTS) and 0 <= iou <= 1
    said = objective.detector(view).boxes[-1]
    for image, found in enumerate(boxes):
        assert all((said[image] == box).all(-1).any() for box in found)
