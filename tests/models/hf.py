"""Hugging Face's detectors as oracles: our weights in their classes, every key of both used."""

from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel, ResNetConfig

from sdetr.models.detector import Detector
from sdetr.models.heads import inverse_sigmoid
from sdetr.models.settings import ModelSettings
from sdetr.types import View
from tests.models.hf_names import their_segmentation_state, their_state
from tests.models.small import CLASSES

CLASS_OF = {
    "detr": "Detr",
    "conditional": "ConditionalDetr",
    "deformable": "DeformableDetr",
    "dab": "DabDetr",
}


def oracle(detector: Detector, settings: ModelSettings) -> PreTrainedModel:
    """Their model with our weights, in eval mode. The backbone is a ResNet-50 of any width."""
    name = CLASS_OF[settings.variant.split("_")[0]]
    config = getattr(transformers, f"{name}Config")(**_sizes(settings, detector), **_more(settings))
    theirs = getattr(transformers, f"{name}ForObjectDetection")(config)
    if settings.variant == "deformable_refine":  # theirs are one parameter, ours one for every layer
        theirs.class_embed = torch.nn.ModuleList(
            torch.nn.Linear(settings.width, CLASSES) for _ in theirs.class_embed
        )
    theirs.load_state_dict(their_state(detector, settings))
    return theirs.eval()


def segmenter(detector: Detector, settings: ModelSettings) -> PreTrainedModel:
    """Their DETR with a mask head, which looks at the maps of all stages."""
    sizes = _sizes(settings, detector)
    sizes["backbone_config"].out_features = ["stage1", "stage2", "stage3", "stage4"]
    theirs = transformers.DetrForSegmentation(transformers.DetrConfig(**sizes))
    theirs.load_state_dict(their_segmentation_state(detector, settings))
    return theirs.eval()


def _sizes(settings: ModelSettings, detector: Detector) -> dict[str, Any]:
    width = detector.backbone.conv1.out_channels
    stages = ["stage4"] if detector.read == 1 else ["stage2", "stage3", "stage4"]
    backbone = ResNetConfig(
        embedding_size=width,
        hidden_sizes=[4 * width, 8 * width, 16 * width, 32 * width],
        depths=[3, 4, 6, 3],
        layer_type="bottleneck",
        out_features=stages,
    )
    return {
        "use_timm_backbone": False,
        "backbone_config": backbone,
        "hidden_size" if settings.variant == "dab" else "d_model": settings.width,
        "encoder_layers": settings.encoder_layers,
        "decoder_layers": settings.decoder_layers,
        "encoder_attention_heads": settings.heads,
        "decoder_attention_heads": settings.heads,
        "encoder_ffn_dim": settings.ffn,
        "decoder_ffn_dim": settings.ffn,
        "num_queries": settings.queries,
        "num_labels": CLASSES,
        "auxiliary_loss": False,
    }


def _more(settings: ModelSettings) -> dict[str, Any]:
    match settings.variant:
        case "dab":
            return {
                "num_patterns": settings.patterns,
                "temperature_height": int(settings.temperature),
                "temperature_width": int(settings.temperature),
            }
        case "deformable_ss":
            return {"num_feature_levels": 1}
        case "deformable_refine" | "dab_deformable":
            return {"with_box_refine": True}
        case "deformable_two_stage":
            return {"with_box_refine": True, "two_stage": True, "two_stage_num_proposals": settings.queries}
        case _:
            return {}


Layers = tuple[Tensor, Tensor, list[Tensor]]
"""Logits (L, B, Q, C), boxes (L, B, Q, 4), references L × (B, Q, 2 | 4) or none."""


@torch.no_grad()
def every_layer(theirs: PreTrainedModel, view: View) -> Layers:
    """What they say in every decoder layer, and what its boxes are offsets from."""
    given = {"pixel_values": view.images, "pixel_mask": (~view.padding).long()}
    if isinstance(theirs, transformers.DeformableDetrForObjectDetection):
        return _every_deformable_layer(theirs, given)
    states: list[Tensor] = []
    points: list[Tensor] = []
    starts: list[Tensor] = []

    def keep(_module: object, _inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
        states.append(output[0] if isinstance(output, tuple) else output)

    def start(_module: object, _args: object, kwargs: dict[str, Any]) -> None:
        starts.append(kwargs["query_position_embeddings"].sigmoid())

    decoder, anchors = theirs.model.decoder, hasattr(theirs.model, "query_refpoint_embeddings")
    hooks = [layer.register_forward_hook(keep) for layer in decoder.layers]
    if anchors:
        hooks.append(decoder.register_forward_pre_hook(start, with_kwargs=True))
    elif hasattr(decoder, "ref_point_head"):
        hooks.append(decoder.ref_point_head.register_forward_hook(lambda _m, _i, out: points.append(out)))
    theirs(**given)
    for hook in hooks:
        hook.remove()
    hidden = torch.stack([decoder.layernorm(state) for state in states])
    classes = theirs.class_embed if anchors else theirs.class_labels_classifier
    offsets = theirs.bbox_predictor(hidden)
    references = [point.sigmoid() for point in points] * len(states)
    if anchors:  # the reference of a layer is what the raw state of the one before makes of its own
        references = starts
        for state in states[:-1]:
            moved = theirs.bbox_predictor(state) + inverse_sigmoid(references[-1])
            references = [*references, moved.sigmoid()]
    return classes(hidden), _placed(offsets, references), references


def _every_deformable_layer(theirs: PreTrainedModel, given: dict[str, Tensor]) -> Layers:
    said = theirs.model(**given)
    hidden = said.intermediate_hidden_states.unbind(1)
    references = [said.init_reference_points, *said.intermediate_reference_points.unbind(1)][: len(hidden)]
    logits = [head(x) for head, x in zip(theirs.class_embed, hidden, strict=False)]
    offsets = [head(x) for head, x in zip(theirs.bbox_embed, hidden, strict=False)]
    return torch.stack(logits), _placed(torch.stack(offsets), references), references


def _placed(offsets: Tensor, references: list[Tensor]) -> Tensor:
    for layer, reference in enumerate(references):
        offsets[layer, ..., : reference.shape[-1]] += inverse_sigmoid(reference)
    return offsets.sigmoid()
