"""AdamW as DETR trains with it (arXiv:2005.12872 §A.4): two learning rates, decay on everything."""

from torch import nn
from torch.optim import AdamW

from sdetr.training.settings import ScheduleSettings

FUSED = {"cpu", "cuda", "mps"}


def make_optimizer(objective: nn.Module, schedule: ScheduleSettings) -> AdamW:
    """Parameters inside a `backbone` learn at `lr_backbone`, all others at `lr`; frozen ones are left out.

    Raises ValueError when nothing learns.
    """
    backbone: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in objective.named_parameters():
        if parameter.requires_grad:
            (backbone if "backbone" in name.split(".") else rest).append(parameter)
    if not backbone and not rest:
        raise ValueError(f"nothing to train: every parameter of {type(objective).__name__} is frozen")
    groups = [
        {"params": parameters, "lr": lr, "base_lr": lr}
        for parameters, lr in ((rest, schedule.lr), (backbone, schedule.lr_backbone))
        if parameters
    ]
    device = next(objective.parameters()).device.type
    return AdamW(groups, betas=(0.9, 0.999), weight_decay=schedule.weight_decay, fused=device in FUSED)


def scale_lr(optimizer: AdamW, factor: float) -> float:
    """Every learning rate becomes `factor` of its base; returns the first group's."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
    return float(optimizer.param_groups[0]["lr"])
