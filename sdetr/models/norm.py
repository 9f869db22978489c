"""BatchNorm as detectors use it: frozen, and part of the convolution before it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FrozenBatchNorm(nn.Module):
    """BatchNorm that never learns: four buffers, a scale and a shift per channel."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C, h, w)."""
        scale, shift = self.affine()
        return x * scale[:, None, None] + shift[:, None, None]

    def affine(self) -> tuple[Tensor, Tensor]:
        """Scale (C,) and shift (C,)."""
        scale = self.weight * torch.rsqrt(self.running_var + 1e-5)
        return scale, self.bias - self.running_mean * scale

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        # torch's own BatchNorm stores how many batches it has seen, which means nothing here
        state_dict.pop(f"{prefix}num_batches_tracked", None)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def normed(conv: nn.Conv2d, norm: nn.Module, x: Tensor) -> Tensor:
    """Convolution, then norm. A frozen norm goes into the kernel: weights are few, pixels are many."""
    if isinstance(norm, FrozenBatchNorm):
        scale, shift = norm.affine()
        kernel = conv.weight * scale[:, None, None, None]
        return F.conv2d(x, kernel, shift, conv.stride, conv.padding, conv.dilation)
    out: Tensor = norm(conv(x))
    return out
