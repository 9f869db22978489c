"""The losses of Siamese DETR against loops in two passes, and what they promise."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from sdetr.objectives.siamese import Siamese
from sdetr.training.update import split
from sdetr.types import View
from tests.objectives.plain_siamese import plain_siamese
from tests.objectives.small_pairs import (
    QUERIES,
    REGIONS,
    in_double,
    losses_of,
    pair,
    siamese_settings,
    small_detector,
    small_siamese,
)

VARIANTS = ["detr", "conditional", "deformable_ss", "deformable", "deformable_two_stage", "dab_deformable"]
LAYERS = 3


@pytest.fixture(params=VARIANTS)
def objective(request: pytest.FixtureRequest) -> Siamese:
    return small_siamese(request.param)


def test_siamese_t4_one_batch_of_both_directions_is_the_mean_of_two_passes(objective: Siamese) -> None:
    objective.double().agreement.train()
    views = [in_double(view) for view in pair()]
    found, expected = losses_of(objective, views), plain_siamese(objective, views)
    assert list(found) == list(objective.weights) and set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


def test_half_the_digits_are_left_in_float32(objective: Siamese) -> None:
    rough = losses_of(objective, pair())
    exact = losses_of(objective.double(), [in_double(view) for view in pair()])
    assert rough == pytest.approx(exact, rel=1e-5)


def test_siamese_t14_every_layer_is_matched_by_itself(objective: Siamese) -> None:
    found, mistaken = losses_of(objective, pair()), plain_siamese(objective, pair(), matched_in=LAYERS - 1)
    assert abs(found["box"] - mistaken["box"]) > 1e-3
    assert found["box"] == pytest.approx(plain_siamese(objective, pair())["box"], rel=1e-5)


@pytest.mark.parametrize("looks, each", [(1.0, 0.0), (0.0, 2.0), (-1.0, 4.0)])
def test_a_feature_equal_orthogonal_or_opposite_costs_0_2_or_4(looks: float, each: float) -> None:
    objective = small_siamese("detr")
    last = objective.feature_head.layers[-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    last.bias.data[0] = 5.0
    features = torch.zeros(len(pair()[0].images), REGIONS, len(last.bias))
    features[..., 0], features[..., 1] = 3 * looks, float(looks == 0)
    views = [replace(view, crop_features=features) for view in pair()]
    assert losses_of(objective, views)["feature"] == pytest.approx(LAYERS * each, abs=1e-5)


@pytest.mark.parametrize("variant", ["detr", "conditional"])
def test_three_equal_chances_cost_ln_3_and_untrained_heads_about_as_much(variant: str) -> None:
    torch.manual_seed(0)
    objective = Siamese(small_detector(variant, queries=QUERIES), siamese_settings(), REGIONS).eval()
    untrained = []
    for _ in range(10):
        objective.class_head.reset_parameters()
        untrained.append(losses_of(objective, pair(sizes=((64, 64),)))["label"] / LAYERS)
    assert sum(untrained) / len(untrained) == pytest.approx(math.log(3), abs=0.2)
    for parameter in objective.class_head.parameters():
        nn.init.zeros_(parameter)
    assert losses_of(objective, pair())["label"] / LAYERS == pytest.approx(math.log(3))


def test_gradient_reaches_all_that_learns_and_nothing_that_is_wanted(objective: Siamese) -> None:
    views = [
        replace(view, images=view.images.requires_grad_(), crops=view.crops.requires_grad_())
        for view in pair()
    ]
    losses = objective.train()(views, objective.normaliser([views]))
    sum(losses.values()).backward()
    assert all(view.images.grad is None and view.crops.grad is None for view in views)
    idle = {name for name, p in objective.named_parameters() if p.grad is None or not p.grad.any()}
    backbone = {name for name, _ in objective.named_parameters() if ".backbone." in name}
    unused = {name for name, _ in objective.named_parameters() if name.startswith("detector.class_head.")}
    assert backbone | unused <= idle
    # the first self-attention sees no content yet: zeros times these weights
    known = {"query_content.weight", "key_content.weight", "value.weight", "query.bias", "key.bias"}
    guesses = ("detector.queries.feature", f"detector.box_head.{LAYERS}.")  # two stages choose by them
    left = {name for name in idle - backbone - unused if not name.startswith(("agreement.", *guesses))}
    assert {name.split(".", 5)[-1] for name in left} <= known
    # a bias before a norm shifts nothing
    assert {name for name in idle if name.startswith("agreement")} <= {
        f"agreement.{part}.{i}.bias" for part in ("projector", "predictor") for i in (0, 3, 6)
    }


@pytest.mark.parametrize("name", ["label", "box", "giou", "feature", "global"])
def test_every_loss_teaches_the_encoder_and_all_but_global_the_decoder(name: str) -> None:
    objective = small_siamese("conditional")
    objective(pair(), objective.normaliser([pair()]))[name].backward()
    detector = objective.detector
    assert (
        detector.neck.levels[0].weight.grad.any()
        and detector.encoder.layers[0].feed_forward.widen.weight.grad.any()
    )
    for learner in (detector.queries.position, objective.to_query.weight):
        assert (learner.grad is not None and bool(learner.grad.any())) is (name != "global")
    assert (objective.class_head.weight.grad is not None) is (name == "label")
    assert (objective.feature_head.layers[0].weight.grad is not None) is (name == "feature")


def looks_of(objective: Siamese, crops: Tensor) -> Tensor:
    """(R, 3, s, s) → (R, ΣC)."""
    maps = objective.detector.features(crops)[-objective.detector.read :]
    return torch.cat([cells.mean((2, 3)) for cells in maps], dim=-1)


def test_maps_and_crop_features_made_ahead_change_nothing(objective: Siamese) -> None:
    views = pair()
    with torch.no_grad():
        ahead = [
            replace(
                view,
                images=view.images.new_zeros(len(view.images), 3, 0, 0),
                crops=None,
                maps=objective.detector.features(view.images)[-objective.detector.read :],
                crop_features=torch.stack([looks_of(objective, crops) for crops in view.crops]),
            )
            for view in views
        ]
    assert losses_of(objective, ahead) == pytest.approx(losses_of(objective, views), rel=1e-5)


def test_micro_batches_add_up_to_the_batch(objective: Siamese) -> None:
    """In eval mode; while training, the projector's batch statistics are those of a micro-batch."""
    whole = pair()
    parts = [list(part) for part in zip(*(split(view, 1) for view in whole), strict=True)]
    normaliser = objective.normaliser(parts)
    assert normaliser == pytest.approx(objective.normaliser([whole]))
    with torch.no_grad():
        pieces = [objective(part, normaliser) for part in parts]
    for name, loss in losses_of(objective, whole).items():
        assert float(sum(piece[name] for piece in pieces)) == pytest.approx(loss, rel=1e-5), name


def test_the_normaliser_counts_class_weights_and_regions_of_both_directions() -> None:
    objective = small_siamese("detr")
    weight = REGIONS + 0.1 * (QUERIES - REGIONS)
    assert objective.normaliser([pair(), pair()]) == pytest.approx(
        {"label": 16 * weight, "box": 16 * REGIONS, "images": 8}
    )


def test_views_may_change_places(objective: Siamese) -> None:
    one, two = pair()
    assert losses_of(objective, [two, one]) == pytest.approx(losses_of(objective, [one, two]), rel=1e-5)


def test_a_term_of_weight_0_is_not_computed() -> None:
    objective = small_siamese("detr", weights={"feature": 0.0, "global": 0.0})
    views = [replace(view, crops=None) for view in pair()]
    assert set(losses_of(objective, views)) == {"label", "box", "giou"} == set(objective.weights)
    assert set(objective.meters) == {"iou"}


def test_meters_are_numbers_without_gradient(objective: Siamese) -> None:
    objective.train()(pair(), objective.normaliser([pair()]))
    assert set(objective.meters) == {"iou", "feature_spread", "global_spread"}
    for name, meter in objective.meters.items():
        assert meter.shape == () and not meter.requires_grad and 0 <= meter < 1.05, name


def test_training_lowers_what_is_trained(objective: Siamese) -> None:
    views = pair()
    objective.train()
    optimizer = torch.optim.AdamW([p for p in objective.parameters() if p.requires_grad], lr=1e-3)
    totals = []
    for _ in range(20):
        losses = objective(views, objective.normaliser([views]))
        total = sum(objective.weights[name] * loss for name, loss in losses.items())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert totals[-1] < 0.85 * totals[0]


def test_half_precision_reaches_no_loss(objective: Siamese) -> None:
    exact = losses_of(objective, pair())
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = objective(pair(), objective.normaliser([pair()]))
    assert {loss.dtype for loss in rough.values()} == {torch.float32}
    assert {name: float(loss) for name, loss in rough.items()} == pytest.approx(exact, rel=0.1)


def test_queries_that_regions_cannot_share_evenly_are_refused() -> None:
    with pytest.raises(ValueError, match="7 queries cannot be shared evenly by 3 regions"):
        Siamese(small_detector("detr", queries=7), siamese_settings(), REGIONS)


def test_another_number_of_regions_is_refused_with_the_images_name() -> None:
    views = pair()
    views[1].boxes[2] = views[1].boxes[2][:1]
    with pytest.raises(ValueError, match="image 102 has 1 regions, expected 3"):
        losses_of(small_siamese("detr"), views)


def test_views_that_do_not_say_how_regions_look_are_refused() -> None:
    bare: list[View] = [replace(view, crops=None) for view in pair()]
    with pytest.raises(ValueError, match="neither crops nor crop_features"):
        losses_of(small_siamese("detr"), bare)
