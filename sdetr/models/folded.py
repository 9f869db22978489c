"""A convolution that does not learn with its frozen norm inside, and oneDNN's way to run it on a CPU."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

PACKINGS = 4
"""Shapes of images that a kernel is kept packed for, those seen last; each copy is as large as the kernel."""


@dataclass(frozen=True)
class Folded:
    """Kernel and shift, and the state of what they were made of."""

    kernel: Tensor  # (C', C, k, k)
    shift: Tensor  # (C',)
    made_of: list[Tensor]
    versions: list[int]
    """PyTorch counts how often a tensor was written to."""
    packed: dict[torch.Size, Tensor | None] = field(default_factory=dict)
    """Shape of images → the kernel as oneDNN wants it for them; none for a shape that was seen once."""

    def is_of(self, tensors: list[Tensor], dtype: torch.dtype) -> bool:
        """Whether it is what these would be folded to."""
        same = all(one is other for one, other in zip(tensors, self.made_of, strict=True))
        unchanged = [tensor._version for tensor in tensors] == self.versions
        kernel = self.kernel
        return same and unchanged and kernel.dtype == dtype and kernel.device == tensors[0].device

    def fuses(self, x: Tensor, onto: Tensor | None) -> bool:
        """Whether oneDNN can: it is there, has the precision, and nobody asks for gradients.

        It writes into `onto` where autograd does not see it. Forward-mode gradients do not see it either.
        """
        if x.device.type != "cpu" or not (torch._C._has_mkldnn and torch._C._get_mkldnn_enabled()):
            return False
        if torch.is_grad_enabled() and (x.requires_grad or (onto is not None and onto.requires_grad)):
            return False
        dtype = self.kernel.dtype
        if x.dtype != dtype and not torch.is_autocast_enabled("cpu"):
            return False
        rounds = dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return dtype == torch.float32 or rounds

    def fused(self, conv: nn.Conv2d, x: Tensor, relu: bool, onto: Tensor | None) -> Tensor:
        """All of it while a number is at hand: what is slow is memory. May write over `onto`."""
        x = x.to(self.kernel.dtype, memory_format=torch.channels_last)
        what = (x, self._packed(conv, x), self.shift, conv.padding, conv.stride, conv.dilation, conv.groups)
        last = "relu" if relu else "none"
        out: Tensor
        if onto is None:
            out = torch.ops.mkldnn._convolution_pointwise(*what, last, [], "")
        else:
            onto = onto.to(x.dtype, memory_format=torch.channels_last)
            add = torch.ops.mkldnn._convolution_pointwise_.binary
            out = add(onto, *what, "add", 1.0, last if relu else None, [], "")
        return out

    def _packed(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """For a shape that comes again; packed for another one it would be slower than as it is."""
        if x.shape not in self.packed:
            if len(self.packed) == PACKINGS:
                del self.packed[next(iter(self.packed))]
            self.packed[x.shape] = None
            return self.kernel
        kernel = self.packed[x.shape] = self.packed.pop(x.shape)  # the last to be let go of
        if kernel is None:
            pack: Callable[..., Tensor] = torch._C._nn.mkldnn_reorder_conv2d_weight
            how = (conv.padding, conv.stride, conv.dilation, conv.groups)
            kernel = self.packed[x.shape] = pack(self.kernel.to_mkldnn(), *how, x.shape)
        return kernel
