"""AdamW as DETR trains with it (arXiv:2005.12872 §A.4): learning rates by group, decay on everything."""

from itertools import pairwise
from typing import Literal

from torch import nn
from torch.optim import AdamW

from sdetr.training.settings import ScheduleSettings

FUSED = {"cpu", "cuda", "mps"}


def make_optimizer(objective: nn.Module, schedule: ScheduleSettings) -> AdamW:
    """Learns what is not frozen, in groups with a learning rate each; a group without parameters is left out.

    Raises ValueError when nothing learns.
    """
    rates = {
        "rest": schedule.lr,
        "points": schedule.lr * schedule.lr_factor_points,
        "backbone": schedule.lr_backbone,
    }
    named: dict[str, list[nn.Parameter]] = {group: [] for group in rates}
    for name, parameter in objective.named_parameters():
        if parameter.requires_grad:
            group = group_of(name)
            # A factor of 1 is no group: saved states know groups by their number.
            named["rest" if group == "points" and schedule.lr_factor_points == 1 else group].append(parameter)
    groups = [
        {"params": parameters, "lr": rates[group], "base_lr": rates[group]}
        for group, parameters in named.items()
        if parameters
    ]
    if not groups:
        raise ValueError(f"nothing to train: every parameter of {type(objective).__name__} is frozen")
    device = next(objective.parameters()).device.type
    return AdamW(groups, betas=(0.9, 0.999), weight_decay=schedule.weight_decay, fused=device in FUSED)


def group_of(name: str) -> Literal["rest", "points", "backbone"]:
    """Of a parameter: the backbone's, of what says where to look (arXiv:2010.04159 §5), or all the rest."""
    words = name.split(".")
    if "backbone" in words:
        return "backbone"
    where = "offsets" in words or ("queries", "reference") in pairwise(words)
    return "points" if where else "rest"


def scale_lr(optimizer: AdamW, factor: float) -> float:
    """Every learning rate becomes `factor` of its base; returns the first group's."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
    return float(optimizer.param_groups[0]["lr"])
