"""The one table of detectors: which facts tell one variant from another (no torch here)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class VariantRow:
    """The facts of one variant; sizes are settings, everything else is common to all variants."""

    self_attention: Literal["add", "split"]
    """add: position added to queries and keys; split: content and position projected apart, then added."""
    cross_attention: Literal["add", "conditional"]
    """conditional: content and position concatenated per head (arXiv:2108.06152)."""
    reference: bool
    """Every query has a reference point made from its position; boxes are offsets from it."""
    query_scale: bool
    """The sine of the reference is scaled by an MLP of the query's state, from the second layer on."""
    focal: bool
    """One sigmoid per class, rare positives expected; else softmax with one more class, no object."""
    prenorm: bool
    """The form with norms before the blocks exists."""
    grid_offset: float = 0.0
    """Added to a cell's row and column number (from 1) before they are divided by the image's."""


VARIANTS: dict[str, VariantRow] = {
    "detr": VariantRow("add", "add", reference=False, query_scale=False, focal=False, prenorm=True),
    "conditional": VariantRow(
        "split", "conditional", reference=True, query_scale=True, focal=True, prenorm=False
    ),
}
