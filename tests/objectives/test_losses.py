"""Losses against loops that a reader can check, and against Hugging Face's numbers."""

import math
from dataclasses import replace

import pytest
import torch

from sdetr.models.detector import Detector
from sdetr.objectives.detection import Detection
from sdetr.types import View
from tests.models.hf import oracle
from tests.models.small import CLASSES, detection_settings, model_settings, padded_view, small_detector
from tests.objectives.plain import plain_losses

VARIANTS = ["detr", "conditional", "deformable_ss", "deformable", "deformable_two_stage", "dab"]
FOUR = ((96, 100), (70, 128), (96, 128), (64, 64))


@pytest.fixture(scope="module", params=VARIANTS)
def objective(request: pytest.FixtureRequest) -> Detection:
    return Detection(small_detector(request.param), detection_settings(request.param))


def losses_of(objective: Detection, views: list[View]) -> dict[str, float]:
    with torch.no_grad():
        (view,) = views
        return {
            name: float(loss)
            for name, loss in objective([view], objective.normaliser([[view] for view in views])).items()
        }


def test_losses_equal_plain_loops(objective: Detection) -> None:
    view = padded_view(sizes=FOUR)
    found, expected = losses_of(objective, [view]), plain_losses(objective, view)
    named = {name for name in found if not name.startswith("first_")}
    assert named == set(expected) and set(found) == set(objective.weights)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-6), name


def test_to_the_first_stage_every_object_is_class_0_of_whatever_token_comes_nearest() -> None:
    objective = Detection(small_detector("deformable_two_stage"), detection_settings("deformable_two_stage"))
    view = padded_view(sizes=FOUR)
    with torch.no_grad():
        said = objective.detector(view)
    first = replace(said, logits=said.first_stage.logits[None], boxes=said.first_stage.boxes[None])
    unnamed = replace(view, labels=[labels * 0 for labels in view.labels])
    found, expected = losses_of(objective, [view]), plain_losses(objective, unnamed, first)
    for name in ("label", "box", "giou"):
        assert found[f"first_{name}"] == pytest.approx(expected[name], rel=2e-6), name


def test_variants_32_the_first_stage_has_its_losses_whatever_other_terms_weigh() -> None:
    objective = Detection(small_detector("deformable_two_stage"), detection_settings("deformable_two_stage"))
    named = [name for name in objective.weights if name.startswith("first_")]
    assert named == ["first_label", "first_box", "first_giou"]
    other = Detection(small_detector("deformable_refine"), detection_settings("deformable_refine"))
    assert not any(name.startswith("first_") for name in other.weights)


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses_equal_hugging_faces(variant: str) -> None:
    detector = small_detector(variant)
    theirs = oracle(detector, model_settings(variant))
    objective = Detection(detector, detection_settings(variant))
    view = padded_view(sizes=FOUR)
    labels = [
        {"class_labels": label, "boxes": boxes} for label, boxes in zip(view.labels, view.boxes, strict=True)
    ]
    with torch.no_grad():
        said = theirs(pixel_values=view.images, pixel_mask=(~view.padding).long(), labels=labels).loss_dict
    found = losses_of(objective, [view])
    for ours, name in {"label": "loss_ce", "box": "loss_bbox", "giou": "loss_giou"}.items():
        assert found[ours] == pytest.approx(float(said[name]), abs=2e-5), name


def test_objects_may_come_in_any_order(objective: Detection) -> None:
    view = padded_view(sizes=FOUR)
    back = replace(view, boxes=[b.flip(0) for b in view.boxes], labels=[x.flip(0) for x in view.labels])
    assert losses_of(objective, [view]) == pytest.approx(losses_of(objective, [back]), abs=1e-5)


def test_a_view_without_objects_has_finite_losses_and_gradients(objective: Detection) -> None:
    view = padded_view()
    empty = replace(view, boxes=[torch.zeros(0, 4)] * 2, labels=[torch.zeros(0, dtype=torch.int64)] * 2)
    losses = objective([empty], objective.normaliser([[empty]]))
    assert losses["box"].item() == losses["giou"].item() == losses["aux_box"].item() == 0
    assert losses["label"].item() > 0
    torch.stack(list(losses.values())).sum().backward()
    gradients = [p.grad for p in objective.parameters() if p.grad is not None]
    objective.zero_grad()
    assert gradients and all(gradient.isfinite().all() for gradient in gradients)


def test_more_objects_than_queries_are_no_error(objective: Detection) -> None:
    view = padded_view(sizes=((64, 64),))
    generator = torch.Generator().manual_seed(0)
    boxes = 0.3 + 0.2 * torch.rand(9, 4, generator=generator)
    crowded = replace(view, boxes=[boxes], labels=[torch.arange(9) % CLASSES])
    normaliser = objective.normaliser([[crowded]])
    assert normaliser["box"] == 9
    assert normaliser["label"] == (9 if objective.detector.focal else 7)  # every query has an object
    assert all(math.isfinite(loss) for loss in losses_of(objective, [crowded]).values())


def test_variants_4_micro_batches_add_up_to_the_batch(objective: Detection) -> None:
    whole = padded_view(sizes=FOUR)
    parts = [part(whole, slice(i, i + 1)) for i in range(4)]
    normaliser = objective.normaliser([[part] for part in parts])
    assert normaliser == pytest.approx(objective.normaliser([[whole]]))
    with torch.no_grad():
        pieces = [objective([one], normaliser) for one in parts]
        together = objective([whole], normaliser)
    for name, loss in together.items():
        assert float(sum(piece[name] for piece in pieces)) == pytest.approx(float(loss), rel=1e-5), name


def test_variants_4_the_cross_entropy_normaliser_is_the_sum_of_class_weights() -> None:
    objective = Detection(small_detector("detr"), detection_settings("detr"))
    view = padded_view(sizes=FOUR)  # 3, 0, 1 and 3 objects, 7 queries each
    assert objective.normaliser([[view], [view]])["label"] == pytest.approx(2 * (7 + 0.1 * (28 - 7)))
    assert objective.normaliser([[view], [view]])["box"] == 14


def part(view: View, rows: slice) -> View:
    return View(*(value[rows] for value in (view.images, view.padding)), view.image_ids[rows],
                view.boxes[rows], view.labels[rows])  # fmt: skip


def test_better_predictions_cost_less(objective: Detection) -> None:
    view = padded_view()
    detector: Detector = objective.detector
    state = {key: value.clone() for key, value in detector.state_dict().items()}
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-3)
    totals = []
    for _ in range(20):
        losses = objective([view], objective.normaliser([[view]]))
        total = sum(objective.weights[name] * loss for name, loss in losses.items())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    detector.load_state_dict(state)
    assert totals[-1] < 0.7 * totals[0]


def test_half_precision_reaches_neither_boxes_nor_losses(objective: Detection) -> None:
    view = padded_view()
    normaliser = objective.normaliser([[view]])
    with torch.no_grad():
        exact = objective.detector(view)
        with torch.autocast("cpu", torch.bfloat16):
            rough = objective.detector(view)
            losses = objective([view], normaliser)
    assert (
        {loss.dtype for loss in losses.values()} == {rough.boxes.dtype, rough.logits.dtype} == {torch.float32}
    )
    assert rough.boxes.unique().numel() > 0.9 * exact.boxes.unique().numel()  # not rounded to 8 bits
    if exact.first_stage is None:  # else rounding decides which tokens are asked about
        torch.testing.assert_close(rough.boxes, exact.boxes, atol=0.1, rtol=0)


def test_no_object_is_demanded_where_there_is_such_a_class_and_refused_elsewhere() -> None:
    with pytest.raises(ValueError, match="no_object is missing"):
        Detection(small_detector("detr"), detection_settings("detr", no_object=None))
    with pytest.raises(ValueError, match=r"no_object: 0\.1, but a focal detector"):
        Detection(small_detector("conditional"), detection_settings("conditional", no_object=0.1))


def test_variants_27_every_loss_is_a_class_or_a_box_loss(objective: Detection) -> None:
    names = set(losses_of(objective, [padded_view()]))
    assert {name.split("_")[-1] for name in names} == {"label", "box", "giou"}  # no cardinality
