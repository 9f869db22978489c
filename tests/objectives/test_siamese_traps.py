"""What is easy to get wrong in Siamese DETR, one test per trap."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.models.detector import Detector
from sdetr.objectives import siamese
from sdetr.objectives.looks import crop_features
from sdetr.objectives.siamese import Siamese
from sdetr.objectives.siamese_views import stacked
from sdetr.objectives.targets import Targets
from sdetr.types import Predictions, View
from tests.models.small import CLASSES, model_settings, small_detector, trunk_settings
from tests.objectives.small_pairs import QUERIES, REGIONS, losses_of, pair, siamese_settings, small_siamese

VARIANTS = ["detr", "conditional", "deformable_ss", "deformable", "deformable_two_stage", "dab_deformable"]


@torch.no_grad()
def search(objective: Siamese, views: list[View]) -> Predictions:
    both = stacked(*views)
    return objective.find(both, objective.detector.encode(both))


@pytest.mark.parametrize("variant", VARIANTS)
def test_siamese_t2_another_first_image_changes_no_other_images_answer(variant: str) -> None:
    objective, views, others = small_siamese(variant), pair(seed=1), pair(seed=2)
    mixed = [
        replace(
            view,
            images=torch.cat([other.images[:1], view.images[1:]]),
            boxes=[other.boxes[0], *view.boxes[1:]],
        )
        for view, other in zip(views, others, strict=True)
    ]
    change = (search(objective, mixed).boxes - search(objective, views).boxes).abs().amax((0, 2, 3))
    first, rest = change.view(2, 4)[:, 0], change.view(2, 4)[:, 1:]
    assert rest.max() < 1e-5 < 1e-3 < first.min()


@pytest.mark.parametrize("mimic", [False, True])
def test_siamese_t2_the_released_code_asks_all_images_about_the_first_ones_regions_if_mimicked(
    mimic: bool,
) -> None:
    objective, (one, two) = small_siamese("deformable_ss", mimic_first_image_queries=mimic), pair()
    moved = replace(one, boxes=[one.boxes[0] * 0.7, *one.boxes[1:]])
    change = search(objective, [moved, two]).hidden - search(objective, [one, two]).hidden
    change = change.abs().amax((0, 2, 3)).view(2, 4)  # view searched, image
    assert (change[1] > 1e-3).tolist() == [True, mimic, mimic, mimic]
    assert change[0].max() < 1e-5


def test_regions_are_asked_about_in_float32_under_autocast() -> None:
    objective = small_siamese("deformable")
    seen: set[torch.dtype] = set()
    for module in (objective.to_query, objective.class_head):
        module.register_forward_hook(lambda _m, _i, out: seen.add(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        search(objective, pair())
    assert seen == {torch.float32}


@pytest.mark.parametrize("variant", VARIANTS)
def test_siamese_t2_a_region_asks_its_own_queries_about_the_other_view(variant: str) -> None:
    objective, (one, two) = small_siamese(variant), pair()
    moved = replace(one, boxes=[one.boxes[0], one.boxes[1] * 0.7, *one.boxes[2:]])
    change = search(objective, [moved, two]).hidden - search(objective, [one, two]).hidden
    change = change.abs().amax((0, 2, 3)).view(2, 4)  # view searched, image
    assert change[1, 1] > 1e-3
    change[1, 1] = 0
    assert change.max() < 1e-5


def test_queries_of_a_region_stand_together(monkeypatch: pytest.MonkeyPatch) -> None:
    objective = small_siamese("detr")
    asked: list[Tensor] = []

    def spy(self: Detector, memory: Any, ask: Any) -> Predictions:
        asked.append(ask.position)
        return decode(self, memory, ask)

    decode = Detector.decode
    monkeypatch.setattr(Detector, "decode", spy)
    search(objective, pair())
    grouped = asked[0].view(8, REGIONS, QUERIES // REGIONS, -1)
    assert torch.equal(grouped[:, :, 0], grouped[:, :, 1])
    assert (grouped[:, 0] - grouped[:, 1]).abs().max() > 1e-3


@pytest.mark.parametrize("variant", VARIANTS)
def test_siamese_t5_three_logits_on_every_detector_and_the_first_is_never_wanted(variant: str) -> None:
    objective = small_siamese(variant)
    assert search(objective, pair()).logits.shape == (3, 8, QUERIES, 3)
    objective(pair(), objective.normaliser([pair()]))["label"].backward()
    assert objective.class_head.bias.grad[0] > 0  # whatever it says, less would be better
    assert objective.class_head.bias.grad.sum().abs() < 1e-6
    assert all(p.grad is None for p in objective.detector.class_head.parameters())


@pytest.mark.parametrize("variant", VARIANTS)
def test_siamese_t5_regions_are_matched_by_their_softmax_on_every_detector(variant: str) -> None:
    objective = small_siamese(variant, cost={"label": 1.0, "box": 0.0, "giou": 0.0})
    said = search(objective, pair()).logits.log_softmax(-1)
    likely = torch.zeros(said.shape[:-1]).scatter(2, said[..., 1].topk(REGIONS).indices, 1.0).bool()
    each = -torch.where(likely, said[..., 1], 0.1 * said[..., 2])
    expected = float(each.sum()) / (8 * (REGIONS + 0.1 * (QUERIES - REGIONS)))
    assert losses_of(objective, pair())["label"] == pytest.approx(expected, rel=1e-5)


def test_siamese_t5_what_the_views_call_their_regions_does_not_matter() -> None:
    objective, views = small_siamese("detr"), pair()
    named = [replace(view, labels=[labels + 4 for labels in view.labels]) for view in views]
    assert losses_of(objective, named) == losses_of(objective, views)


def spied(monkeypatch: pytest.MonkeyPatch, objective: Siamese) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes whose features are read, boxes that are wanted, and what crops say, in one step."""
    seen: dict[str, Any] = {}
    read, match, crops = siamese.region_features, siamese.match, siamese.crop_features

    def spy_read(last: Tensor, boxes: Tensor, *rest: Any) -> Tensor:
        seen["read"] = boxes
        return read(last, boxes, *rest)

    def spy_match(said: Predictions, targets: Targets, *rest: Any, **more: Any) -> Any:
        seen["wanted"] = targets.boxes
        return match(said, targets, *rest, **more)

    def spy_crops(*given: Any) -> Tensor:
        seen["crops"] = crops(*given)
        return seen["crops"]

    monkeypatch.setattr(siamese, "region_features", spy_read)
    monkeypatch.setattr(siamese, "match", spy_match)
    monkeypatch.setattr(siamese, "crop_features", spy_crops)
    losses_of(objective, pair())
    return seen["read"], seen["wanted"], seen["crops"]


def test_siamese_t6_only_the_boxes_whose_features_are_read_are_jittered_and_only_in_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    objective = small_siamese("detr")
    given = torch.stack(stacked(*pair()).boxes)
    calm = spied(monkeypatch, objective)
    assert torch.equal(calm[0], given) and torch.equal(calm[1], given)
    monkeypatch.undo()
    read, wanted, crops = spied(monkeypatch, objective.train())
    assert torch.equal(wanted, given) and torch.equal(crops, calm[2])
    shift = (cxcywh_to_xyxy(read) - cxcywh_to_xyxy(given)).abs() / given[..., 2:].repeat(1, 1, 2)
    assert shift.mean() > 0.02 and shift.max() <= 0.1 + 1e-5


def test_siamese_t6_jitter_follows_torchs_generator() -> None:
    objective = small_siamese("detr").train()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(losses_of(objective, pair())["box"])
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pretext_starts_the_box_head_as_pytorch_does_and_freezes_the_backbone(variant: str) -> None:
    torch.manual_seed(0)
    detector = Detector(model_settings(variant, queries=QUERIES), trunk_settings(), CLASSES)
    Siamese(detector, siamese_settings(), REGIONS)
    for layer in (layer for head in detector.box_head for layer in head.layers):
        bound = 1 / math.sqrt(layer.in_features)
        assert 0.8 * bound < layer.weight.abs().max() <= bound and layer.bias.any()
    assert not any(p.requires_grad for p in detector.backbone.parameters())
    assert all(p.requires_grad for p in detector.neck.parameters())


@pytest.mark.parametrize("variant", ["deformable_ss", "deformable"])
def test_siamese_t21_a_position_and_a_content_per_query_are_fine_tuned_as_both_halves_of_a_pair(
    variant: str,
) -> None:
    objective, fine_tuned = small_siamese(variant), small_detector(variant, queries=QUERIES)
    kept = {k: v for k, v in objective.detector.state_dict().items() if not k.startswith("class_head.")}
    missing, unknown = fine_tuned.load_state_dict(kept, strict=False)
    assert not unknown and all(key.startswith("class_head.") for key in missing)
    assert torch.equal(fine_tuned.queries.position, objective.detector.queries.position)
    assert torch.equal(fine_tuned.queries.content, objective.detector.queries.content)


@torch.no_grad()
@pytest.mark.parametrize("variant", ["deformable_ss", "deformable"])
def test_siamese_t21_a_region_moves_the_position_and_leaves_the_content(variant: str) -> None:
    objective = small_siamese(variant)
    detector = objective.detector
    asked = detector.asked(torch.randn(2, QUERIES, 64))
    memory = detector.encode(pair()[0])
    memory = replace(memory, **{f: getattr(memory, f)[:2] for f in ("tokens", "position", "padding")})
    queries = detector.queries(asked, memory, detector.class_head, detector.box_head)
    assert torch.equal(queries.content, detector.queries.content.expand(2, -1, -1))
    torch.testing.assert_close(queries.position - detector.queries.position, asked.position)
    assert (queries.reference[0] - queries.reference[1]).abs().max() > 1e-3


def test_siamese_t21_a_pretext_draws_the_content_of_pairs_from_xaviers_range() -> None:
    torch.manual_seed(0)
    detector = Detector(model_settings("deformable_ss", queries=300), trunk_settings(), CLASSES)
    position = detector.queries.position.clone()
    Siamese(detector, siamese_settings(), REGIONS)
    bound = math.sqrt(6 / (300 + 64))
    assert 0.99 * bound < detector.queries.content.abs().max() <= bound
    assert torch.equal(detector.queries.position, position)


@torch.no_grad()
def test_siamese_t26_maps_of_all_levels_are_normalised_together_once() -> None:
    objective = small_siamese("deformable")
    detector, views = objective.detector, pair()
    maps = detector.backbone(stacked(*views).crops.flatten(0, 1))[-3:]
    means = [cells.mean((2, 3)).view(8, REGIONS, -1) for cells in maps]
    assert [mean.shape[-1] for mean in means] == [32, 64, 128]
    looks = crop_features(detector, stacked(*views))
    torch.testing.assert_close(looks, torch.cat(means, dim=-1), atol=1e-4, rtol=1e-4)
    shares = [float(part.norm() / looks.norm()) for part in looks.split([32, 64, 128], dim=-1)]
    assert max(shares) > 1.2 * min(shares)  # raw scales: the loudest level counts most
    louder = [
        replace(view, crops=None, crop_features=3 * part)
        for view, part in zip(views, looks.split(4), strict=True)
    ]
    level = looks.clone()
    level[..., :32] *= 3
    one_louder = [
        replace(view, crops=None, crop_features=part)
        for view, part in zip(views, level.split(4), strict=True)
    ]
    usual = losses_of(objective, views)["feature"]
    assert losses_of(objective, louder)["feature"] == pytest.approx(usual, rel=1e-5)
    assert losses_of(objective, one_louder)["feature"] != pytest.approx(usual, rel=1e-3)


def test_siamese_t26_the_first_three_levels_agree_as_wholes() -> None:
    objective = small_siamese("deformable")
    assert objective.agreement.projector[0].in_features == 3 * 64
    assert small_siamese("deformable_ss").agreement.projector[0].in_features == 64
    memory = objective.detector.encode(pair()[0])
    pooled = objective.agreement.pooled(memory)
    start = sum(h * w for h, w in memory.shapes[:3])
    tokens = memory.tokens.clone()
    tokens[:, start:] += 100.0
    assert torch.equal(objective.agreement.pooled(replace(memory, tokens=tokens)), pooled)


def test_features_of_crops_that_were_made_for_other_maps_are_refused() -> None:
    objective = small_siamese("deformable")
    views = [replace(view, crops=None, crop_features=torch.zeros(4, REGIONS, 128)) for view in pair()]
    with pytest.raises(ValueError, match="are 128 wide; this detector reads 224"):
        losses_of(objective, views)


def test_siamese_t22_what_was_pretrained_post_norm_is_refused_by_a_pre_norm_model() -> None:
    after, before = (small_detector("detr", prenorm=prenorm) for prenorm in (False, True))
    with pytest.raises(RuntimeError, match=r"Missing key.*encoder\.norm"):
        before.load_state_dict(after.state_dict())
