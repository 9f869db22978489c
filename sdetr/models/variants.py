"""The one table of detectors: which facts tell one variant from another (no torch here)."""

from dataclasses import dataclass, replace
from typing import Literal

NECK_GROUPS = 32
"""Of channels of a level, each normalised by itself (arXiv:2010.04159, appendix A.4)."""


@dataclass(frozen=True)
class VariantRow:
    """The facts of one variant; sizes are settings, everything else is common to all variants."""

    queries: Literal["position", "pair", "anchors", "proposals"] = "position"
    """What is learned of a query: its position; position and content; a box, with or without content; or
    nothing, when the encoder's best guesses are asked about."""
    reference: Literal[None, "point", "box"] = None
    """What a query's box is an offset from."""
    encoder_attention: Literal["add", "deformable"] = "add"
    self_attention: Literal["add", "split"] = "add"
    """add: position added to queries and keys; split: content and position projected apart, then added."""
    cross_attention: Literal["add", "conditional", "deformable"] = "add"
    """conditional: content and position concatenated per head (arXiv:2108.06152)."""
    levels: int = 1
    """Maps that become memory: the backbone's last or last three, and one more made from its last."""
    group_norm: bool = False
    """The neck normalises every level, in groups of channels."""
    query_scale: bool = False
    """An MLP of a query's state scales the sine of its reference, from the second layer on."""
    encoder_scale: bool = False
    """An MLP of a token's state scales its position, in every encoder layer (DAB-DETR)."""
    size_modulation: bool = False
    """Cross-attention looks at narrow boxes more narrowly (arXiv:2201.12329 §4.4)."""
    learned_content: bool = False
    """Queries with anchors have a learned content beside them."""
    denoise: bool = False
    """Contents are class embeddings, so that training can ask about objects it has disturbed (DN-DETR)."""
    refine: bool = False
    """Every layer moves the references for the next one."""
    live_reference: bool = False
    """A layer's box also teaches the layer before it, which moved its reference."""
    heads_per_layer: bool = False
    """Every decoder layer has heads of its own."""
    decoder_norm: bool = True
    """Heads read normalised states."""
    activation: Literal["relu", "prelu"] = "relu"
    focal: bool = True
    """One sigmoid per class, rare positives expected; else softmax with one more class, no object."""
    prenorm: bool = False
    """The form with norms before the blocks exists."""
    masks: bool = False
    """The form with a mask head exists: it reads one map, and memory that its queries attend to wholly."""
    grid_offset: float = 0.0
    """Added to a cell's row and column number (from 1) before they are divided by the image's."""

    def __post_init__(self) -> None:
        if self.queries == "proposals" and not (self.refine and self.heads_per_layer):
            raise ValueError("proposals need refine and heads_per_layer: what guesses them is one more head")
        if self.queries != "anchors" and (self.learned_content or self.size_modulation or self.denoise):
            raise ValueError(
                f"queries: {self.queries}, but learned_content, size_modulation, denoise are of anchors"
            )

    @property
    def deformable(self) -> bool:
        return self.cross_attention == "deformable"


_DEFORMABLE = VariantRow(
    queries="pair",
    reference="point",
    encoder_attention="deformable",
    cross_attention="deformable",
    levels=4,
    group_norm=True,
    decoder_norm=False,
    grid_offset=-0.5,
)
_REFINE = replace(_DEFORMABLE, refine=True, heads_per_layer=True)

_DAB = VariantRow(
    queries="anchors",
    reference="box",
    self_attention="split",
    cross_attention="conditional",
    query_scale=True,
    encoder_scale=True,
    size_modulation=True,
    refine=True,
    live_reference=True,
    activation="prelu",
)
_DAB_DEFORMABLE = replace(_REFINE, queries="anchors", reference="box", query_scale=True, learned_content=True)

VARIANTS: dict[str, VariantRow] = {
    "detr": VariantRow(focal=False, prenorm=True, masks=True),
    "conditional": VariantRow(
        reference="point", self_attention="split", cross_attention="conditional", query_scale=True
    ),
    "deformable_ss": replace(_DEFORMABLE, levels=1),
    "deformable": _DEFORMABLE,
    "deformable_refine": _REFINE,
    "deformable_two_stage": replace(_REFINE, queries="proposals", reference="box"),
    "dab": _DAB,
    "dab_deformable": _DAB_DEFORMABLE,
    "dn_dab": replace(_DAB, denoise=True),
    "dn_dab_deformable": replace(_DAB_DEFORMABLE, denoise=True),
}
