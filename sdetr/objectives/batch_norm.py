"""Batch normalisation over the batch of all ranks, on any device; torch's own does so on a GPU alone."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from sdetr.others import told_if_gone


class _Sum(torch.autograd.Function):
    """Of every rank's tensor; each rank's gradient reaches all of them."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        with told_if_gone():
            dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return _Sum.forward(ctx, grads[0].contiguous())


def ranks() -> int:
    """That share a batch."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


class BatchNorm(nn.BatchNorm1d):
    """nn.BatchNorm1d of (N, D), whose statistics in training are of the N of all ranks."""

    def forward(self, rows: Tensor) -> Tensor:
        if not self.training or ranks() == 1:
            return super().forward(rows)
        count = torch.full_like(rows[0, :1], len(rows))
        together: Tensor = _Sum.apply(torch.cat([rows.sum(dim=0), count]))
        total, mean = together[-1].detach(), together[:-1] / together[-1].detach()
        squares: Tensor = _Sum.apply((rows - mean).square().sum(dim=0))
        variance = squares / total
        with torch.no_grad():
            assert self.running_mean is not None and self.running_var is not None
            assert self.num_batches_tracked is not None and self.momentum is not None
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(squares / (total - 1), self.momentum)
        return (rows - mean) * torch.rsqrt(variance + self.eps) * self.weight + self.bias
