from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from sdetr.models.deformable import DeformableAttention
from sdetr.models.queries import LearnedQueries
from sdetr.models.variants import VARIANTS
from sdetr.objectives.detection import Detection
from sdetr.training.optimizer import group_of, make_optimizer, scale_lr
from sdetr.training.settings import ScheduleSettings
from tests.models.small import detection_settings, small_detector

SAYS_WHERE = {"deformable_ss", "deformable", "deformable_refine"}
"""Variants that sample around a point which a layer makes of the query; in others it is given, or a box."""


def learner(variant: str) -> Detection:
    detector = small_detector(variant).train()
    detector.freeze_backbone(1e-5)
    return Detection(detector, detection_settings(variant))


def rates(objective: nn.Module, optimizer: AdamW) -> dict[str, float]:
    """Parameter → learning rate. Asserts that each stands in one group, frozen ones in none."""
    grouped = [(id(p), group["lr"]) for group in optimizer.param_groups for p in group["params"]]
    names = {id(p): name for name, p in objective.named_parameters() if p.requires_grad}
    assert len(grouped) == len(names) and {number for number, _ in grouped} == set(names)
    return {names[number]: lr for number, lr in grouped}


def test_the_backbone_learns_at_its_own_rate_and_everything_decays(
    toy: nn.Module, schedule: Callable[..., ScheduleSettings]
) -> None:
    optimizer = make_optimizer(toy, schedule(lr=1e-2, lr_backbone=1e-3, weight_decay=0.5))
    rest, backbone = optimizer.param_groups
    assert [p.shape for p in backbone["params"]] == [
        p.shape for p in toy.get_submodule("backbone").parameters()
    ]
    assert len(rest["params"]) == 2
    assert (rest["lr"], backbone["lr"]) == (1e-2, 1e-3)
    assert all(
        group["weight_decay"] == 0.5 and group["betas"] == (0.9, 0.999) for group in optimizer.param_groups
    )


def test_frozen_parameters_are_left_out_and_nothing_at_all_is_refused(
    toy: nn.Module, schedule: Callable[..., ScheduleSettings]
) -> None:
    toy.get_submodule("backbone").requires_grad_(False)
    assert len(make_optimizer(toy, schedule()).param_groups) == 1
    with pytest.raises(ValueError, match="nothing to train: every parameter of Toy is frozen"):
        make_optimizer(toy.requires_grad_(False), schedule())


def test_factors_are_of_the_base_and_do_not_accumulate(
    toy: nn.Module, schedule: Callable[..., ScheduleSettings]
) -> None:
    optimizer = make_optimizer(toy, schedule(lr=1e-2, lr_backbone=1e-3))
    for _ in range(3):
        assert scale_lr(optimizer, 0.1) == pytest.approx(1e-3)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1e-3, 1e-4])


def test_one_step_is_adamw_of_the_paper_written_out(schedule: Callable[..., ScheduleSettings]) -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0)
    optimizer = make_optimizer(layer, schedule(lr=0.1, weight_decay=0.5))
    layer.weight.grad = torch.full((1, 1), 3.0)
    optimizer.step()
    # The first moments, unbiased, are gradient and square: a step of lr against the sign, after decay.
    assert layer.weight.item() == pytest.approx(2.0 * (1 - 0.1 * 0.5) - 0.1, abs=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_offsets_and_reference_points_learn_at_their_own_rate_in_every_variant(
    variant: str, schedule: Callable[..., ScheduleSettings]
) -> None:
    objective = learner(variant)
    optimizer = make_optimizer(objective, schedule(lr=1e-2, lr_backbone=1e-4, lr_factor_points=0.1))
    where: set[int] = set()
    for module in objective.modules():
        if isinstance(module, DeformableAttention):
            where |= set(map(id, module.offsets.parameters()))
        if isinstance(module, LearnedQueries) and module.reference is not None:
            where |= set(map(id, module.reference.parameters()))
    assert bool(where) == VARIANTS[variant].deformable or variant == "conditional"
    backbone = set(map(id, objective.detector.backbone.parameters()))
    said = rates(objective, optimizer)
    for name, parameter in objective.named_parameters():
        if parameter.requires_grad:
            expected = 1e-3 if id(parameter) in where else 1e-4 if id(parameter) in backbone else 1e-2
            assert said[name] == pytest.approx(expected), name
    made = [name for name in said if group_of(name) == "points" and name.startswith("detector.queries.")]
    assert bool(made) == (variant in SAYS_WHERE | {"conditional"})


def test_without_a_factor_there_are_the_two_groups_that_saved_states_know(
    schedule: Callable[..., ScheduleSettings],
) -> None:
    objective = learner("deformable")
    optimizer = make_optimizer(objective, schedule(lr=1e-2, lr_backbone=1e-4))
    assert [group["lr"] for group in optimizer.param_groups] == [1e-2, 1e-4]
    rest = [name for name, p in objective.named_parameters() if p.requires_grad and "backbone" not in name]
    assert len(optimizer.param_groups[0]["params"]) == len(rest)


def test_a_resumed_optimizer_goes_on_in_its_groups_to_the_same_bits(
    schedule: Callable[..., ScheduleSettings],
) -> None:
    said = schedule(lr=1e-2, lr_backbone=1e-4, lr_factor_points=0.1)

    def stepped(objective: nn.Module, optimizer: AdamW, factor: float) -> None:
        generator = torch.Generator().manual_seed(round(10 * factor))
        for parameter in objective.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        scale_lr(optimizer, factor)
        optimizer.step()

    straight, killed = learner("deformable_ss"), learner("deformable_ss")
    optimizers = [make_optimizer(objective, said) for objective in (straight, killed)]
    for objective, optimizer in zip((straight, killed), optimizers, strict=True):
        stepped(objective, optimizer, 1.0)
    again = learner("deformable_ss")
    again.load_state_dict(killed.state_dict())
    resumed = make_optimizer(again, said)
    resumed.load_state_dict(optimizers[1].state_dict())
    stepped(straight, optimizers[0], 0.1)
    stepped(again, resumed, 0.1)
    for (name, one), other in zip(straight.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other), name
    assert sorted(group["lr"] for group in resumed.param_groups) == pytest.approx([1e-5, 1e-4, 1e-3])
