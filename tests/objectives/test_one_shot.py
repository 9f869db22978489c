"""One-shot detection: every query knows the image's own crop, and is judged as a detection of one class."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sdetr.models.detector import Detector
from sdetr.objectives.detection import Detection
from sdetr.objectives.one_shot import OneShot
from sdetr.types import Ask, View
from tests.models.small import (
    detection_settings,
    model_settings,
    padded_view,
    randomise,
    small_detector,
    trunk_settings,
)

VARIANTS = ["detr", "conditional", "deformable", "deformable_two_stage", "dab", "dn_dab"]
QUERIES = 6


def small_one_shot(variant: str) -> OneShot:
    """Random everywhere, in eval mode, without dropout, in doubles."""
    settings = model_settings(variant, queries=QUERIES, dropout=0.0)
    objective = randomise(OneShot(Detector(settings, trunk_settings(), 1), detection_settings(variant)))
    objective.to_query.weight.data /= 150  # a random backbone says large numbers; queries are of size 1
    return objective.double().eval()


def asked_view(seed: int = 1) -> View:
    """Two images, one crop each, objects of one class."""
    view = padded_view(seed)
    crops = torch.randn(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(seed)).double()
    boxes = [box.double() for box in view.boxes]
    labels = [torch.zeros_like(of) for of in view.labels]
    return replace(view, images=view.images.double(), boxes=boxes, labels=labels, crops=crops)


def losses_of(objective: Detection, view: View) -> dict[str, Tensor]:
    return objective([view], objective.normaliser([[view]]))


@torch.no_grad()
def plain_ask(objective: OneShot, view: View) -> Ask:
    """Crop by crop, query by query; a content's last number of a DN variant stays 0."""
    detector, rows = objective.detector, []
    assert view.crops is not None
    for crop in view.crops[:, 0]:
        maps = detector.backbone(crop[None])[-detector.read :]
        look = torch.cat([cells[0].mean((1, 2)) for cells in maps])
        said = objective.to_query.weight @ look + objective.to_query.bias
        said = torch.cat([said, said.new_zeros(detector.width - len(said))])
        rows.append(torch.stack([said for _ in range(QUERIES)]))
    slot = "content" if hasattr(detector.queries, "anchors") else "position"
    return Ask(**{slot: torch.stack(rows)})


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses_are_a_detections_whose_queries_all_see_the_images_own_crop_and_one_another(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective, view = small_one_shot(variant), asked_view()
    ask = plain_ask(objective, view)
    detection = Detection(objective.detector, detection_settings(variant))
    decode = Detector.decode
    with monkeypatch.context() as patched:
        patched.setattr(Detector, "decode", lambda self, memory, _: decode(self, memory, ask))
        expected = losses_of(detection, view)
    found = losses_of(objective, view)
    assert found.keys() == expected.keys() <= objective.weights.keys() == detection.weights.keys()
    for name, loss in expected.items():
        torch.testing.assert_close(found[name], loss, rtol=1e-9, atol=1e-9, msg=name)
    assert objective.normaliser([[view]]) == detection.normaliser([[view]])


def test_a_crop_that_says_nothing_leaves_a_plain_detection_of_one_class() -> None:
    objective, view = small_one_shot("detr"), asked_view()
    torch.nn.init.zeros_(objective.to_query.weight)
    torch.nn.init.zeros_(objective.to_query.bias)
    plain = losses_of(Detection(objective.detector, detection_settings("detr")), view)
    found = losses_of(objective, view)
    for name, loss in plain.items():
        torch.testing.assert_close(found[name], loss, rtol=1e-9, atol=1e-9, msg=name)


@torch.no_grad()
def test_another_images_crop_changes_no_images_answer_and_its_own_does() -> None:
    objective, view = small_one_shot("detr"), asked_view()
    memory = objective.detector.encode(view)
    looks = torch.randn(2, objective.to_query.in_features).double()
    other = torch.stack([looks[0], looks[1] + 1])
    one, two = objective.find(memory, looks), objective.find(memory, other)
    torch.testing.assert_close(one.logits[:, 0], two.logits[:, 0])
    assert not torch.allclose(one.logits[:, 1], two.logits[:, 1])


def test_two_logits_say_match_and_none_and_no_object_weighs_a_tenth() -> None:
    objective, view = small_one_shot("detr"), asked_view()
    assert objective.detector.class_head[0].out_features == 2
    objects = sum(map(len, view.labels))
    weight = objects + 0.1 * (2 * QUERIES - objects)
    assert objective.normaliser([[view]]) == {"label": pytest.approx(weight), "box": objects}


def test_all_of_it_learns_the_backbone_by_the_crop_too() -> None:
    """But for what never does: stem and first stage."""
    objective, view = small_one_shot("detr"), asked_view()
    objective.detector.freeze_backbone(5e-5)
    assert view.crops is not None
    crops = view.crops.requires_grad_()
    sum(losses_of(objective.train(), replace(view, crops=crops)).values()).backward()
    assert crops.grad is not None and bool(crops.grad.abs().sum() > 0)
    idle = [
        n
        for n, p in objective.named_parameters()
        if p.requires_grad and not (p.grad is not None and p.grad.any())
    ]
    assert idle == ["detector.decoder.layers.0.self_attention.value.weight"]  # DETR's content starts at zero


def test_a_detector_of_several_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="a detector of 5 classes, expected one: what matches"):
        OneShot(small_detector("detr"), detection_settings("detr"))
