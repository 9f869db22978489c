from collections.abc import Callable

import pytest
import torch
from torch import nn

from sdetr.training.optimizer import make_optimizer, scale_lr
from sdetr.training.settings import ScheduleSettings


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
