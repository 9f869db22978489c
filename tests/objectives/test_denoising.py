"""Denoising: what is disturbed and how far, who sees whom, and losses in loops."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from sdetr.models.settings import DenoisingSettings
from sdetr.objectives.denoising import disturbed
from sdetr.objectives.detection import Detection
from sdetr.objectives.targets import Targets, padded_targets
from sdetr.types import Ask, View
from tests.models.small import CLASSES, detection_settings, model_settings, padded_view, small_detector
from tests.objectives.plain import corners, plain_focal, plain_giou

VARIANTS = ["dn_dab", "dn_dab_deformable"]
SIZES = ((96, 100), (70, 128), (96, 128), (64, 64))  # three, no, one, three objects
GROUPS, OWN = 3, 7


def settings(**changes: float) -> DenoisingSettings:
    return DenoisingSettings.model_validate(
        {"groups": GROUPS, "label_noise": 0.2, "box_noise": 0.4} | changes
    )


def targets_of(view: View | None = None) -> Targets:
    return padded_targets(view or padded_view(sizes=SIZES))


def test_groups_stand_one_after_the_other_and_empty_slots_say_nothing() -> None:
    queries, targets = small_detector("dn_dab").queries, targets_of()
    found = disturbed(queries, OWN, 2, targets, settings(label_noise=0.0, box_noise=0.0))
    assert found.count == GROUPS * 3
    content, boxes = found.ask.extra.content, found.ask.extra.reference
    for image, count in enumerate(targets.counts):
        for group in range(GROUPS):
            for slot in range(3):
                at = 3 * group + slot
                if slot < count:
                    label = targets.labels[image, slot]
                    assert torch.equal(content[image, at, :-1], queries.labels[label])
                    assert content[image, at, -1] == 1
                    torch.testing.assert_close(boxes[image, at], targets.boxes[image, slot])
                else:
                    assert not content[image, at].any() and (boxes[image, at] == 0.5).all()


def test_every_group_answers_for_every_object_in_every_layer() -> None:
    targets = targets_of()
    pairs = disturbed(small_detector("dn_dab").queries, OWN, 2, targets, settings()).pairs
    expected = {
        (image, 3 * group + n, n)
        for image, count in enumerate(targets.counts)
        for group in range(GROUPS)
        for n in range(count)
    }
    for layer in range(2):
        triples = zip(
            pairs.image.tolist(), pairs.query[layer].tolist(), pairs.target[layer].tolist(), strict=True
        )
        assert sorted(triples) == sorted(expected)


def test_variants_24_nobody_sees_another_group_and_own_queries_see_none_of_the_disturbed() -> None:
    blocked = disturbed(small_detector("dn_dab").queries, OWN, 2, targets_of(), settings()).ask.blocked
    count = GROUPS * 3
    assert blocked.shape == (count + OWN, count + OWN)
    for row in range(count + OWN):
        for column in range(count + OWN):
            both = row < count and column < count
            other = both and row // 3 != column // 3
            assert blocked[row, column] == (other or (row >= count > column))  # empty slots are seen as well


def many(label: int = 1, count: int = 4000) -> Targets:
    boxes = torch.tensor([0.5, 0.5, 0.2, 0.1]).expand(1, count, 4)
    return Targets(torch.full((1, count), label), boxes, [count], [7])


def test_boxes_move_by_a_share_of_half_their_sides_and_change_by_a_share_of_them() -> None:
    torch.manual_seed(0)
    made = disturbed(small_detector("dn_dab").queries, OWN, 1, many(), settings(groups=1)).ask.extra.reference
    moved = made[0] - torch.tensor([0.5, 0.5, 0.2, 0.1])
    reach = 0.4 * torch.tensor([0.1, 0.05, 0.2, 0.1])
    assert (moved.abs() <= reach + 1e-5).all() and (moved.abs().amax(0) > 0.98 * reach).all()
    assert (moved.mean(0).abs() < 0.03 * reach).all()
    assert ((moved / reach).std(0) - 3**-0.5).abs().max() < 0.02  # uniform
    assert torch.corrcoef((moved / reach).T).triu(1).abs().max() < 0.05


def test_variants_25_labels_are_replaced_by_any_class_their_own_included() -> None:
    torch.manual_seed(0)
    queries = small_detector("dn_dab").queries
    content = disturbed(queries, OWN, 1, many(), settings(groups=1, label_noise=0.5)).ask.extra.content
    shares = [float((content[0, :, :-1] == label).all(-1).float().mean()) for label in queries.labels]
    assert shares[1] == pytest.approx(0.5 + 0.5 / CLASSES, abs=0.03)
    assert [shares[i] for i in (0, 2, 3, 4)] == pytest.approx([0.5 / CLASSES] * 4, abs=0.02)


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses_of_the_disturbed_equal_plain_loops(variant: str) -> None:
    objective, view = trained(variant), padded_view(sizes=SIZES)
    torch.manual_seed(3)
    found = objective([view], objective.normaliser([[view]]))
    torch.manual_seed(3)
    targets = targets_of(view)
    detector = objective.detector
    extra = disturbed(detector.queries, OWN, 3, targets, objective.denoising)
    said, _ = extra.split(detector.decode(detector.encode(view), extra.ask))
    totals, asked = dict.fromkeys(("label", "box", "giou"), 0.0), 0
    for image, count in enumerate(targets.counts):
        for slot in range(GROUPS * 3):
            if slot % 3 >= count:
                continue
            asked += 1
            wanted = targets.boxes[image, slot % 3].tolist()
            for layer in range(3):
                box = said.boxes[layer, image, slot].tolist()
                totals["box"] += sum(abs(a - b) for a, b in zip(box, wanted, strict=True))
                totals["giou"] += 1 - plain_giou(corners(box), corners(wanted))
                logits = said.logits[layer, image, slot].double().tolist()
                totals["label"] += plain_focal(logits, int(targets.labels[image, slot % 3]))
    assert asked == GROUPS * 7
    for name, total in totals.items():
        assert float(found[f"noised_{name}"]) == pytest.approx(total / asked, rel=1e-5), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_26_losses_of_the_disturbed_are_divided_by_all_objects_of_a_step(variant: str) -> None:
    objective, view = trained(variant), padded_view(sizes=SIZES)
    found = []
    for parts in ([[view]], [[view], [view], [view]]):  # alone, and as one of three micro-batches
        torch.manual_seed(3)
        found.append(objective([view], objective.normaliser(parts)))
    for name in ("noised_label", "noised_box", "noised_giou"):
        assert float(found[0][name]) == pytest.approx(3 * float(found[1][name]), rel=1e-5), name


def trained(variant: str) -> Detection:
    given = model_settings(variant).denoising
    return Detection(small_detector(variant, dropout=0.0), detection_settings(variant), given).train()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_disturbed_change_nothing_for_the_detectors_own_queries(variant: str) -> None:
    objective, view = trained(variant), padded_view(sizes=SIZES)
    found = objective([view], objective.normaliser([[view]]))
    usual = objective.eval()([view], objective.normaliser([[view]]))
    assert {name for name in found if name.startswith("noised_")} == found.keys() - usual.keys()
    for name, loss in usual.items():
        assert float(found[name]) == pytest.approx(float(loss), rel=1e-5), name


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_37_dn_models_run_without_denoising_and_without_objects(variant: str) -> None:
    objective, view = trained(variant), padded_view(sizes=SIZES)
    empty = replace(
        view,
        boxes=[torch.zeros(0, 4) for _ in SIZES],
        labels=[torch.zeros(0, dtype=torch.int64) for _ in SIZES],
    )
    losses = objective([empty], objective.normaliser([[empty]]))
    assert not any(name.startswith("noised_") for name in losses)
    plain = Detection(objective.detector, detection_settings(variant)).train()
    assert set(plain([view], plain.normaliser([[view]]))) == set(plain.weights)


def test_classes_learn_their_embeddings_from_the_disturbed() -> None:
    objective, view = trained("dn_dab"), padded_view(sizes=SIZES)
    losses = objective([view], objective.normaliser([[view]]))
    losses["noised_label"].backward()
    assert objective.detector.queries.labels.grad.any()


@torch.no_grad()
def test_without_denoising_dn_dab_is_dab_detr_with_one_pattern() -> None:
    ours, dab = small_detector("dn_dab"), small_detector("dab", patterns=1)
    state = {k: v for k, v in ours.state_dict().items() if k not in ("queries.labels", "queries.unknown")}
    dab.load_state_dict(state | {"queries.patterns": F.pad(ours.queries.unknown, (0, 1))[None]})
    view = padded_view(sizes=SIZES)
    torch.testing.assert_close(ours(view).boxes, dab(view).boxes)
    torch.testing.assert_close(ours(view).logits, dab(view).logits)


def test_extra_queries_are_refused_where_queries_are_no_anchors() -> None:
    extra = disturbed(small_detector("dn_dab").queries, OWN, 2, targets_of(), settings()).ask.extra
    detector = small_detector("conditional")
    with pytest.raises(ValueError, match="only anchors can stand beside them"):
        detector.decode(detector.encode(padded_view(sizes=SIZES)), Ask(extra=extra))


@pytest.mark.parametrize("variant, given", [("dab", True), ("dn_dab", False)])
def test_denoising_belongs_to_dn_variants_alone(variant: str, given: bool) -> None:
    with pytest.raises(ValueError, match=f"denoising of {variant}: {'given' if given else 'missing'}"):
        model_settings(variant, denoising=settings() if given else None)
