"""DAB-Deformable-DETR, which Hugging Face lacks: its Deformable DETR, told by hooks where queries are."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sdetr.models.detector import Detector
from sdetr.models.position import sine
from sdetr.types import View
from tests.models.hf import every_layer, oracle
from tests.models.small import model_settings, padded_view, small_detector


def with_anchors(theirs: PreTrainedModel, detector: Detector) -> None:
    """Every layer's position is an MLP of the sine of the anchor on level 0, scaled from layer 1 on."""
    content, boxes = detector.queries.content, detector.queries.anchors.sigmoid()

    def start(_module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        batch = len(kwargs["inputs_embeds"])
        asked = {
            "inputs_embeds": content.expand(batch, -1, -1),
            "reference_points": boxes.expand(batch, -1, -1),
        }
        return args, kwargs | asked

    def place(layer: int) -> Any:
        def hook(_module: object, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> Any:
            x, _, reference, *rest = args
            position = detector.decoder.position(sine(reference[:, :, 0], 32, 10000.0, 1.0))
            position = position * detector.decoder.query_scale(x) if layer else position
            return (x, position, reference, *rest), kwargs

        return hook

    def told(_module: object, _args: object, output: Any) -> Any:
        output.init_reference_points = boxes.expand(len(output.init_reference_points), -1, -1)
        return output

    theirs.model.decoder.register_forward_pre_hook(start, with_kwargs=True)
    for number, layer in enumerate(theirs.model.decoder.layers):
        layer.register_forward_pre_hook(place(number), with_kwargs=True)
    theirs.model.register_forward_hook(told)


@torch.no_grad()
def test_every_layer_says_what_hugging_face_says_when_told_the_anchors() -> None:
    ours = small_detector("dab_deformable")
    common = small_detector("deformable_refine")
    kept = {k: v for k, v in ours.state_dict().items() if not k.startswith(("queries.", "decoder.position."))}
    kept = {k: v for k, v in kept.items() if not k.startswith("decoder.query_scale.")}
    common.load_state_dict(kept, strict=False)
    theirs = oracle(common, model_settings("deformable_refine")).double()
    with_anchors(theirs, ours.double())
    view: View = replace(padded_view(), images=padded_view().images.double())
    said = ours(view)
    logits, boxes = every_layer(theirs, view)
    assert said.logits.std() > 0.1 and (said.boxes[0] - said.boxes[1]).abs().max() > 0.01
    torch.testing.assert_close(said.logits, logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(said.boxes, boxes, atol=1e-5, rtol=0)
