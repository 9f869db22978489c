"""Variants that Hugging Face lacks: its nearest one, told by hooks what the decoder is asked."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from sdetr.models.anchors import AnchorQueries
from sdetr.models.detector import Detector
from sdetr.models.position import sine
from sdetr.objectives.denoising import disturbed
from sdetr.objectives.targets import padded_targets
from sdetr.types import Ask, View
from tests.models.hf import every_layer, oracle
from tests.models.small import model_settings, padded_view, small_detector

OWN = 7


@dataclass(frozen=True)
class Told:
    """What the queries are, without our code."""

    content: Tensor  # (B, Q, D)
    boxes: Tensor  # (B, Q, 4)
    blocked: Tensor | None  # (Q, Q)


def told(queries: AnchorQueries, ask: Ask, batch: int) -> Told:
    """Learned contents, or that of unknown objects, the indicator 0; extra queries stand in front."""
    own = queries.content if queries.content is not None else queries.unknown.expand(OWN, -1)
    content = F.pad(own, (0, 64 - own.shape[1])).expand(batch, -1, -1)
    boxes = queries.anchors.sigmoid().expand(batch, -1, -1)
    if ask.extra is not None:
        content = torch.cat([ask.extra.content, content], dim=1)
        boxes = torch.cat([ask.extra.reference, boxes], dim=1)
    return Told(content, boxes, ask.blocked)


def tell(theirs: PreTrainedModel, ours: Detector, asked: Told) -> None:
    """Replaces what their decoder starts from, and blocks whom a query may not see."""
    deformable = ours.row.deformable

    def start(_module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        boxes = {"reference_points": asked.boxes}
        logits = {"query_position_embeddings": asked.boxes.logit()}
        return args, kwargs | {"inputs_embeds": asked.content} | (boxes if deformable else logits)

    def block(_module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if asked.blocked is None:
            return args, kwargs
        nothing = torch.zeros(len(asked.content), 1, *asked.blocked.shape, dtype=asked.content.dtype)
        return args, kwargs | {"attention_mask": nothing.masked_fill(asked.blocked, -torch.inf)}

    theirs.model.decoder.register_forward_pre_hook(start, with_kwargs=True)
    for number, layer in enumerate(theirs.model.decoder.layers):
        layer.self_attn.register_forward_pre_hook(block, with_kwargs=True)
        if deformable:
            layer.register_forward_pre_hook(_place(ours, number), with_kwargs=True)
    if deformable:

        def remember(_module: object, _args: object, output: Any) -> Any:
            output.init_reference_points = asked.boxes
            return output

        theirs.model.register_forward_hook(remember)


def _place(ours: Detector, number: int) -> Any:
    """A layer's position is an MLP of the sine of the anchor on level 0, scaled from layer 1 on."""

    def hook(_module: object, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> Any:
        x, _, reference, *rest = args
        position = ours.decoder.position(sine(reference[:, :, 0], 32, 10000.0, 1.0))
        position = position * ours.decoder.query_scale(x) if number else position
        return (x, position, reference, *rest), kwargs

    return hook


def pair(variant: str, dtype: torch.dtype) -> tuple[Detector, PreTrainedModel]:
    """Ours, training without dropout, and the nearest of theirs, the same wherever both have something."""
    ours = small_detector(variant, dropout=0.0)
    nearest = "deformable_refine" if ours.row.deformable else "dab"
    common = small_detector(nearest)
    state = {key: value for key, value in ours.state_dict().items() if key in common.state_dict()}
    told_later = {key for key in state if key.startswith("queries.")}
    common.load_state_dict({key: state[key] for key in state.keys() - told_later}, strict=False)
    theirs = oracle(common, model_settings(nearest))
    return ours.to(dtype).train(), theirs.to(dtype)


@torch.no_grad()
@pytest.mark.parametrize("variant, noised", [
    ("dab_deformable", False), ("dn_dab", False), ("dn_dab", True), ("dn_dab_deformable", False),
    ("dn_dab_deformable", True),
])  # fmt: skip
def test_every_layer_says_what_hugging_face_says_when_told_what_to_ask(variant: str, noised: bool) -> None:
    dtype = torch.float64 if "deformable" in variant else torch.float32  # its DAB-DETR is float32 alone
    ours, theirs = pair(variant, dtype)
    view: View = replace(padded_view(), images=padded_view().images.to(dtype))
    ask = Ask()
    if noised:
        view = replace(view, boxes=[boxes.to(dtype) for boxes in view.boxes])
        settings = model_settings(variant).denoising
        torch.manual_seed(0)
        found = disturbed(ours.queries, OWN, 3, padded_targets(view), settings)
        assert found.count == 9 and found.ask.blocked.any()  # three objects, the other image has none
        ask = found.ask
    tell(theirs, ours, told(ours.queries, ask, batch=2))
    said = ours.decode(ours.encode(view), ask)
    logits, boxes, references = every_layer(theirs, view)
    assert said.logits.shape[2] == OWN + 9 * noised
    assert said.logits.std() > 0.1 and (said.boxes[0] - said.boxes[1]).abs().max() > 0.01
    torch.testing.assert_close(said.logits, logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(said.boxes, boxes, atol=1e-5, rtol=0)
    torch.testing.assert_close(said.references, references, atol=1e-5, rtol=0)
