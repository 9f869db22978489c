"""BatchNorm as detectors use it: frozen, and part of the convolution before it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdetr.models.folded import Folded


class FrozenBatchNorm(nn.Module):
    """BatchNorm that never learns: four buffers, a scale and a shift per channel."""

    kept: Folded | None = None
    """Of a convolution that does not learn either, as it was seen last."""

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

    def __getstate__(self) -> dict[str, Any]:
        """A copy's tensors are counted anew: it folds for itself."""
        return self.__dict__ | {"kept": None}

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        # torch's own BatchNorm stores how many batches it has seen, which means nothing here
        state_dict.pop(f"{prefix}num_batches_tracked", None)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def normed(
    conv: nn.Conv2d, norm: nn.Module, x: Tensor, relu: bool = False, onto: Tensor | None = None
) -> Tensor:
    """Convolution, norm, what it is added to, ReLU; `onto` may be written over.

    A frozen norm goes into the kernel: weights are few, pixels are many.
    """
    if not isinstance(norm, FrozenBatchNorm):
        return _finished(norm(conv(x)), relu, onto)
    kept = _kept(conv, norm)
    if kept is not None and kept.fuses(x, onto):
        return kept.fused(conv, x, relu, onto)
    kernel, shift = _into(conv, norm) if kept is None else (kept.kernel, kept.shift)
    dilation = 2 if _small_and_alone(conv, x) else conv.dilation
    return _finished(F.conv2d(x, kernel, shift, conv.stride, conv.padding, dilation), relu, onto)


def _finished(out: Tensor, relu: bool, onto: Tensor | None) -> Tensor:
    """In place: nobody reads what was there, and memory is what is slow."""
    out = out if onto is None else out.add_(onto)
    return out.relu_() if relu else out


def _kept(conv: nn.Conv2d, norm: FrozenBatchNorm) -> Folded | None:
    """Where nothing learns, folded once, and again when PyTorch has seen a tensor change.

    It does not see what is written through `.data` or NumPy, and counts nothing in inference mode.
    """
    if torch.compiler.is_compiling():  # it would guard every count, and a graph would take kernels back
        return None
    if conv.weight.requires_grad or torch.is_inference_mode_enabled() or conv.weight.is_inference():
        return None
    tensors = [conv.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var]
    device, dtype = conv.weight.device.type, conv.weight.dtype
    if not conv.weight.is_meta and torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
    if norm.kept is None or not norm.kept.is_of(tensors, dtype):
        kernel, shift = _into(conv, norm)
        kernel = kernel.to(dtype, memory_format=torch.channels_last)
        norm.kept = Folded(kernel, shift.to(dtype), tensors, [tensor._version for tensor in tensors])
    return norm.kept


def _into(conv: nn.Conv2d, norm: FrozenBatchNorm) -> tuple[Tensor, Tensor]:
    scale, shift = norm.affine()
    return conv.weight * scale[:, None, None, None], shift


def _small_and_alone(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether PyTorch would take the slower of its two ways on a CPU, up to 1.4 times.

    It does for few images, one thread and a 1×1 kernel, but not where that is dilated: which changes nothing.
    """
    return conv.kernel_size == (1, 1) and x.device.type == "cpu" and x.dtype == torch.float32
