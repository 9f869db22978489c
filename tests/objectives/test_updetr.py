"""UP-DETR against loops, and its traps."""

from dataclasses import replace

import pytest
import torch

from sdetr.models.detector import Detector
from sdetr.objectives.updetr import Updetr
from sdetr.types import View
from tests.models.small import CLASSES, model_settings, small_detector, trunk_settings
from tests.objectives.small_patches import (
    PATCHES,
    QUERIES,
    losses_of,
    plain_updetr,
    small_updetr,
    updetr_settings,
    with_patches,
)

VARIANTS = ["detr", "conditional", "deformable", "deformable_two_stage", "dab", "dab_deformable"]


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
def test_updetr_t14_losses_equal_loops_with_one_matching_over_all_queries(variant: str, masked: bool) -> None:
    objective, view = small_updetr(variant, group_mask=masked).double(), with_patches()
    found, expected = losses_of(objective, view), plain_updetr(objective, view, PATCHES / QUERIES, masked)
    assert list(found) == list(objective.weights) and set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize(
    "patches, queries, given, weight", [(1, 100, None, 0.01), (10, 100, None, 0.1), (1, 100, 0.1, 0.1)]
)
def test_updetr_t6_no_object_weighs_patches_over_queries(
    patches: int, queries: int, given: float | None, weight: float
) -> None:
    objective = small_updetr("detr", patches, queries, no_object=given)
    assert objective.no_object == pytest.approx(weight)
    count = with_patches(patches=patches)
    assert objective.normaliser([[count]])["label"] == pytest.approx(
        3 * (patches + weight * (queries - patches))
    )


def test_updetr_t7_the_mask_has_as_many_blocks_as_patches() -> None:
    objective = small_updetr("detr", patches=20, queries=100)
    blocked = objective._blocked(torch.arange(100) // objective.each, 20)
    assert blocked is not None
    assert torch.equal(~blocked, torch.block_diag(*[torch.ones(5, 5)] * 20).bool())
    losses = losses_of(objective.double(), with_patches(patches=20))
    assert all(torch.tensor(value).isfinite() for value in losses.values())


@pytest.mark.parametrize("detach, learns", [(False, True), (True, False)])
def test_updetr_t8_a_backbone_that_learns_is_taught_by_what_it_says_itself(
    detach: bool, learns: bool
) -> None:
    """Only the reconstruction is looked at, and only what reaches crops through it."""
    detector = small_detector("detr", queries=QUERIES, dropout=0.0)
    objective = Updetr(detector, updetr_settings(detach=detach), PATCHES, lr_backbone=1e-4).double()
    frozen = {name for name, p in detector.backbone.named_parameters() if not p.requires_grad}
    assert all(name.startswith(("conv1.", "bn1.", "layer1.")) for name in frozen) and frozen
    view = with_patches()
    crops = view.crops.requires_grad_()
    torch.nn.init.zeros_(objective.to_query.weight)  # so that nothing else leads to the crops
    objective([replace(view, crops=crops)], objective.normaliser([[view]]))["feature"].backward()
    assert (crops.grad is not None and bool(crops.grad.abs().sum() > 0)) == learns


def test_a_frozen_backbone_gets_no_gradient() -> None:
    objective, view = small_updetr("detr").double(), with_patches()
    sum(objective([view], objective.normaliser([[view]])).values()).backward()
    assert not any(p.requires_grad for p in objective.detector.backbone.parameters())
    learn = {
        n: p for n, p in objective.named_parameters() if p.requires_grad and ".class_head." not in f".{n}"
    }
    idle = [name for name, p in learn.items() if p.grad is None or not p.grad.any()]
    assert idle == ["detector.decoder.layers.0.self_attention.value.weight"]  # DETR's content starts at zero
    assert objective.class_head.weight.grad is not None


def test_updetr_t12_three_logits_and_patches_are_class_1() -> None:
    for variant in ("detr", "dab_deformable"):
        objective, view = small_updetr(variant).double(), with_patches()
        said, targets, _, _ = objective._searched(view)
        assert said.logits.shape[-1] == 3 and targets.labels.unique().tolist() == [1]


def test_updetr_t13_a_query_sees_its_patch_or_nothing_of_it() -> None:
    objective, view = small_updetr("detr", query_dropout=0.4).double().train(), with_patches()
    seen: list[torch.Tensor] = []
    decode = objective.detector.decode
    objective.detector.decode = lambda memory, ask: (seen.append(ask.position), decode(memory, ask))[1]  # type: ignore[method-assign]
    torch.manual_seed(0)
    for _ in range(40):
        objective([view], objective.normaliser([[view]]))
    objective.eval()([view], objective.normaliser([[view]]))
    whole, dropped = seen.pop(), torch.stack(seen)  # (B, Q, D), (40, B, Q, D)
    there = (dropped == whole).all(-1)
    assert ((dropped == 0).all(-1) | there).all()  # no other number: nothing is scaled up
    assert there.double().mean() == pytest.approx(0.6, abs=0.06)
    assert 0 < there[0].sum() < there[0].numel() and (there[0] != there[1]).any()


def test_updetr_t22_fewer_patches_are_the_same_patches_alone_and_more_are_refused() -> None:
    for variant in ("conditional", "deformable"):
        objective, view = small_updetr(variant).double(), with_patches()
        fewer = replace(view, boxes=[one[:2] for one in view.boxes], crops=view.crops[:, :2])
        with torch.no_grad():
            all_, some = (objective._searched(one)[0] for one in (view, fewer))
        assert some.boxes.shape[2] == 4
        torch.testing.assert_close(some.boxes, all_.boxes[:, :, :4])  # no patch knows of another
        torch.testing.assert_close(some.logits, all_.logits[:, :, :4])
        more = with_patches(patches=PATCHES + 1)
        with pytest.raises(ValueError, match="image 100 has 4 patches, expected 1 to 3"):
            losses_of(objective, more)


def test_without_the_mask_idle_queries_still_say_nothing_to_others() -> None:
    objective, view = small_updetr("detr", group_mask=False).double(), with_patches()
    fewer = replace(view, boxes=[one[:2] for one in view.boxes], crops=view.crops[:, :2])
    with torch.no_grad():
        before = objective._searched(fewer)[0].boxes
        objective.detector.queries.position[4:] += 1
        assert torch.equal(objective._searched(fewer)[0].boxes, before)
        objective.detector.queries.position[:2] += 1
        assert not torch.allclose(objective._searched(fewer)[0].boxes[:, :, 2:], before[:, :, 2:])


def test_unequal_numbers_of_patches_are_refused_naming_the_image() -> None:
    view = with_patches()
    odd = replace(view, boxes=[view.boxes[0], view.boxes[1][:2], view.boxes[2]])
    with pytest.raises(ValueError, match="image 101 has 2 patches, image 100 3; a batch needs one number"):
        losses_of(small_updetr("detr").double(), odd)


def test_updetr_shuffling_changes_who_is_asked_not_what() -> None:
    view = with_patches()
    plain, shuffled = (
        small_updetr("detr", query_shuffle=on, query_dropout=0.0).double().train() for on in (False, True)
    )
    torch.manual_seed(1)
    assert losses_of(shuffled, view) != pytest.approx(losses_of(plain, view))
    assert losses_of(shuffled.eval(), view) == losses_of(plain.eval(), view)
    for objective in (plain.train(), shuffled.train()):
        objective.detector.queries.position.data[:] = 0.3  # all queries alike: no matter who is asked
    assert losses_of(shuffled, view) == pytest.approx(losses_of(plain, view))


def test_images_and_their_order_are_independent() -> None:
    objective, view = small_updetr("deformable").double(), with_patches()
    order = [2, 0, 1]
    turned = View(
        view.images[order],
        view.padding[order],
        [view.image_ids[i] for i in order],
        [view.boxes[i] for i in order],
        [view.labels[i] for i in order],
        view.crops[order],
    )
    assert losses_of(objective, turned) == pytest.approx(losses_of(objective, view), rel=1e-12)


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="6 queries cannot be shared evenly by 4 patches"):
        small_updetr("detr", patches=4)


@pytest.mark.parametrize("variant", ["dn_dab", "dn_dab_deformable"])
def test_a_dn_detector_is_not_told_that_patches_are_disturbed_objects(variant: str) -> None:
    detector = Detector(model_settings(variant, queries=QUERIES), trunk_settings(), CLASSES)
    objective = Updetr(detector, updetr_settings(), PATCHES)
    assert objective.to_query.out_features == detector.width - 1
    feature = torch.randn(2, QUERIES, detector.width - 1)
    content = detector.asked(feature).content
    assert content is not None and torch.equal(content[..., :-1], feature) and not content[..., -1].any()
