"""The small blocks that encoder, decoder and heads are made of."""

import math
from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

FUSED = 1 / math.sqrt(2)
"""Gain for one of q, k, v that the papers' code draws as one (3D, D) matrix: its Xavier bound, √(6 / 4D)."""


def linear(inputs: int, outputs: int, gain: float = 1.0, zero_bias: bool = False) -> nn.Linear:
    """A Linear as inside the papers' transformers: Xavier-uniform weight; bias PyTorch's, or zero."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight, gain)
    if zero_bias:
        nn.init.zeros_(layer.bias)
    return layer


def start_alike(layers: nn.ModuleList) -> nn.ModuleList:
    """Gives every layer the biases of the first, as copies of one layer have; weights stay drawn apart."""
    first = dict(layers[0].named_parameters())
    for layer in layers[1:]:
        for name, parameter in layer.named_parameters():
            if parameter.dim() == 1:
                parameter.data.copy_(first[name])
    return layers


class MLP(nn.Module):
    """Linears with ReLU between them; `widths` from input to output."""

    def __init__(self, *widths: int, make: Callable[[int, int], nn.Linear] = nn.Linear) -> None:
        super().__init__()
        self.layers = nn.ModuleList(make(*pair) for pair in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """(..., first width) → (..., last width)."""
        for i, layer in enumerate(self.layers):
            x = layer(x.relu() if i else x)
        return x


class FeedForward(nn.Module):
    """Two Linears around an activation, dropout on the inner state."""

    def __init__(self, width: int, inner: int, dropout: float, activation: str) -> None:
        super().__init__()
        self.widen = linear(width, inner)
        self.activation = {"relu": nn.ReLU, "prelu": nn.PReLU}[activation]()
        self.narrow = linear(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, Q, D) → (B, Q, D)."""
        out: Tensor = self.narrow(self.dropout(self.activation(self.widen(x))))
        return out


class Residual(nn.Module):
    """A block beside a shortcut: the norm comes after the sum or, with `prenorm`, before the block."""

    def __init__(self, width: int, dropout: float, prenorm: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.prenorm = prenorm

    def forward(self, x: Tensor, block: Callable[[Tensor], Tensor]) -> Tensor:
        """(B, Q, D) → (B, Q, D)."""
        inner = self.norm(x) if self.prenorm else x
        out: Tensor = x + self.dropout(block(inner))
        if not self.prenorm:
            out = self.norm(out)
        return out
