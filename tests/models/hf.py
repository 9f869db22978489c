"""Hugging Face's DETR and Conditional DETR as oracles: the same weights under their names."""

import torch
from torch import Tensor
from transformers import (
    ConditionalDetrConfig,
    ConditionalDetrForObjectDetection,
    DetrConfig,
    DetrForObjectDetection,
    PreTrainedModel,
    ResNetConfig,
)

from sdetr.models.detector import Detector
from sdetr.types import View
from tests.models.small import CLASSES, model_settings

RENAMED = [  # ours → theirs, applied in this order
    ("backbone.conv1.", "model.backbone.model.embedder.embedder.convolution."),
    ("backbone.bn1.", "model.backbone.model.embedder.embedder.normalization."),
    ("neck.", "model.input_projection."),
    ("encoder.layers.", "model.encoder.layers."),
    ("decoder.layers.", "model.decoder.layers."),
    ("decoder.norm.", "model.decoder.layernorm."),
    ("decoder.query_scale.", "model.decoder.query_scale."),
    ("queries.position", "model.query_position_embeddings.weight"),
    ("queries.reference.", "model.decoder.ref_point_head."),
    ("class_head.", "class_labels_classifier."),
    ("box_head.", "bbox_predictor."),
    (".self_attention.", ".self_attn."),
    (".cross_attention.", ".encoder_attn."),
    (".beside_self.norm.", ".self_attn_layer_norm."),
    (".beside_cross.norm.", ".encoder_attn_layer_norm."),
    (".beside_feed.norm.", ".final_layer_norm."),
    (".feed_forward.widen.", ".mlp.fc1."),
    (".feed_forward.narrow.", ".mlp.fc2."),
    (".query_sine.", ".q_pos_sine_proj."),
    (".query_content.", ".q_content_proj."),
    (".query_position.", ".q_pos_proj."),
    (".key_content.", ".k_content_proj."),
    (".key_position.", ".k_pos_proj."),
    (".query.", ".q_proj."),
    (".key.", ".k_proj."),
    (".value.", ".v_proj."),
    (".out.", ".o_proj."),
]


def oracle(detector: Detector, variant: str) -> PreTrainedModel:
    """Their model with our weights, every key of both used, in eval mode. Sizes are those of `small`."""
    ours = model_settings(variant)
    width = detector.backbone.conv1.out_channels
    backbone = ResNetConfig(
        embedding_size=width,
        hidden_sizes=[4 * width, 8 * width, 16 * width, 32 * width],
        depths=[3, 4, 6, 3],
        layer_type="bottleneck",
        out_features=["stage4"],
    )
    config, model = {
        "detr": (DetrConfig, DetrForObjectDetection),
        "conditional": (ConditionalDetrConfig, ConditionalDetrForObjectDetection),
    }[variant]
    theirs = model(
        config(
            use_timm_backbone=False,
            backbone_config=backbone,
            d_model=ours.width,
            encoder_layers=ours.encoder_layers,
            decoder_layers=ours.decoder_layers,
            encoder_attention_heads=ours.heads,
            decoder_attention_heads=ours.heads,
            encoder_ffn_dim=ours.ffn,
            decoder_ffn_dim=ours.ffn,
            num_queries=ours.queries,
            num_labels=CLASSES,
            auxiliary_loss=False,
        )
    )
    theirs.load_state_dict({their_name(key): value for key, value in detector.state_dict().items()})
    return theirs.eval()


def their_name(key: str) -> str:
    if key.startswith("backbone.layer"):
        return _their_block(key)
    for ours, theirs in RENAMED:
        key = key.replace(ours, theirs)
    return key


def _their_block(key: str) -> str:
    """backbone.layer2.0.conv1.weight → ….stages.1.layers.0.layer.0.convolution.weight."""
    _, stage, block, module, *tail = key.split(".")
    if module == "downsample":
        kind = {"0": "convolution", "1": "normalization"}[tail.pop(0)]
        where = f"shortcut.{kind}"
    else:
        kind = "convolution" if module.startswith("conv") else "normalization"
        where = f"layer.{int(module[-1]) - 1}.{kind}"
    stage = int(stage.removeprefix("layer")) - 1
    return ".".join([f"model.backbone.model.encoder.stages.{stage}.layers.{block}", where, *tail])


@torch.no_grad()
def every_layer(theirs: PreTrainedModel, view: View) -> tuple[Tensor, Tensor]:
    """Their logits (L, B, Q, C) and boxes (L, B, Q, 4), from the raw state of every decoder layer."""
    states: list[Tensor] = []
    points: list[Tensor] = []

    def keep(_module: object, _inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
        states.append(output[0] if isinstance(output, tuple) else output)

    decoder = theirs.model.decoder
    hooks = [layer.register_forward_hook(keep) for layer in decoder.layers]
    if hasattr(decoder, "ref_point_head"):
        hooks.append(
            decoder.ref_point_head.register_forward_hook(lambda _m, _i, output: points.append(output))
        )
    theirs(pixel_values=view.images, pixel_mask=(~view.padding).long())
    for hook in hooks:
        hook.remove()
    hidden = torch.stack([decoder.layernorm(state) for state in states])
    offsets = theirs.bbox_predictor(hidden)
    if points:
        offsets[..., :2] += points[0].sigmoid().logit(eps=1e-5)
    return theirs.class_labels_classifier(hidden), offsets.sigmoid()
