"""Our parameters under Hugging Face's names, family by family."""

import torch
from torch import Tensor

from sdetr.models.detector import Detector
from sdetr.models.settings import ModelSettings

ADD = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "o_proj"}
SAMPLE = {
    "offsets": "sampling_offsets",
    "weights": "attention_weights",
    "value": "value_proj",
    "out": "output_proj",
}
SPLIT = {
    "query_content": "q_content_proj",
    "query_position": "q_pos_proj",
    "query_sine": "q_pos_sine_proj",
    "key_content": "k_content_proj",
    "key_position": "k_pos_proj",
    "value": "v_proj",
    "out": "o_proj",
}
DAB_SPLIT = {
    "query_content": "query_content_proj",
    "query_position": "query_pos_proj",
    "query_sine": "query_pos_sine_proj",
    "key_content": "key_content_proj",
    "key_position": "key_pos_proj",
    "value": "value_proj",
}
BESIDE = {
    "beside_self.norm": "self_attn_layer_norm",
    "beside_cross.norm": "encoder_attn_layer_norm",
    "beside_feed.norm": "final_layer_norm",
    "feed_forward.widen": "mlp.fc1",
    "feed_forward.narrow": "mlp.fc2",
}
TOP = {
    "neck.levels.0": "model.input_projection",
    "decoder.norm": "model.decoder.layernorm",
    "decoder.query_scale": "model.decoder.query_scale",
    "queries.position": "model.query_position_embeddings.weight",
    "queries.reference": "model.decoder.ref_point_head",
    "class_head.0": "class_labels_classifier",
    "box_head.0": "bbox_predictor",
}
DEFORMABLE_TOP = {
    "neck.levels": "model.input_proj",
    "tokens.level": "model.level_embed",
    "queries.reference": "model.reference_points",
    "queries.feature_norm": "model.enc_output_norm",
    "queries.feature": "model.enc_output",
    "queries.embed_norm": "model.pos_trans_norm",
    "queries.embed": "model.pos_trans",
    "class_head": "class_embed",
    "box_head": "bbox_embed",
}
DAB_TOP = TOP | {
    "queries.anchors": "model.query_refpoint_embeddings.weight",
    "queries.patterns": "model.patterns.weight",
    "encoder.scale": "model.encoder.query_scale",
    "decoder.position": "model.decoder.ref_point_head",
    "decoder.size": "model.decoder.ref_anchor_head",
    "class_head.0": "class_embed",
}

MASKS = {
    "mask_head.attention.query": "bbox_attention.q_proj",
    "mask_head.attention.key": "bbox_attention.k_proj",
    "mask_head.first": "mask_head.conv1",
    "mask_head.second": "mask_head.conv2",
    "mask_head.out": "mask_head.output_conv",
    **{f"mask_head.adapters.{i}": f"mask_head.fpn_stages.{i}.fpn_adapter" for i in range(3)},
    **{f"mask_head.refine.{i}": f"mask_head.fpn_stages.{i}.refine" for i in range(3)},
}


def inside(ours: str, theirs: str, names: dict[str, str]) -> dict[str, str]:
    return {f"{ours}.{one}": f"{theirs}{two}" for one, two in names.items()}


ENCODER = BESIDE | inside("self_attention", "self_attn.", ADD)
DECODER = ENCODER | inside("cross_attention", "encoder_attn.", ADD)
CONDITIONAL = (
    BESIDE | inside("self_attention", "self_attn.", SPLIT) | inside("cross_attention", "encoder_attn.", SPLIT)
)
DAB_ENCODER = inside("self_attention", "self_attn.", ADD | {"out": "out_proj"}) | {
    "beside_self.norm": "self_attn_layer_norm",
    "beside_feed.norm": "final_layer_norm",
    "feed_forward.widen": "fc1",
    "feed_forward.narrow": "fc2",
    "feed_forward.activation": "activation_fn",
}
DAB_DECODER = (
    inside("self_attention", "self_attn.self_attn_", DAB_SPLIT)
    | inside("cross_attention", "cross_attn.cross_attn_", DAB_SPLIT)
    | {
        "self_attention.out": "self_attn.self_attn.output_proj",
        "cross_attention.out": "cross_attn.cross_attn.output_proj",
        "beside_self.norm": "self_attn.self_attn_layer_norm",
        "beside_cross.norm": "cross_attn.cross_attn_layer_norm",
        "beside_feed.norm": "mlp.final_layer_norm",
        "feed_forward.widen": "mlp.fc1",
        "feed_forward.narrow": "mlp.fc2",
        "feed_forward.activation": "mlp.activation_fn",
    }
)
FAMILIES = {  # top, encoder layer, decoder layer
    "detr": (TOP, ENCODER, DECODER),
    "conditional": (TOP, ENCODER, CONDITIONAL),
    "deformable": (
        DEFORMABLE_TOP,
        BESIDE | inside("self_attention", "self_attn.", SAMPLE),
        ENCODER | inside("cross_attention", "encoder_attn.", SAMPLE),
    ),
    "dab": (DAB_TOP, DAB_ENCODER, DAB_DECODER),
}


def their_state(detector: Detector, settings: ModelSettings) -> dict[str, Tensor]:
    """Copies that only they keep included: heads under every layer's number, or twice."""
    ours, family = dict(detector.state_dict()), settings.variant.split("_")[0]
    if family == "deformable" and "queries.position" in ours:
        pair = torch.cat([ours.pop("queries.position"), ours.pop("queries.content")], dim=-1)
        ours["model.query_position_embeddings.weight"] = pair
    state = {their_name(key, family): value for key, value in ours.items()}
    if family == "deformable":
        heads = {key: value for key, value in state.items() if key.startswith(("class_embed", "bbox_embed"))}
        if not detector.row.heads_per_layer:
            for layer in range(1, settings.decoder_layers):
                state |= {key.replace("embed.0", f"embed.{layer}"): value for key, value in heads.items()}
        else:
            kept = (
                ("bbox_embed", "class_embed") if settings.variant.endswith("two_stage") else ("bbox_embed",)
            )
            state |= {f"model.decoder.{key}": v for key, v in heads.items() if key.startswith(kept)}
    if family == "dab":
        box = {k: v for k, v in state.items() if k.startswith("bbox_predictor")}
        state |= {key.replace("bbox_predictor", "model.decoder.bbox_embed"): v for key, v in box.items()}
    return state


def their_segmentation_state(detector: Detector, settings: ModelSettings) -> dict[str, Tensor]:
    """Of DETR with a mask head: everything else stands one name deeper."""
    state = {}
    for key, value in their_state(detector, settings).items():
        known = [ours for ours in MASKS if key.startswith(f"{ours}.")]
        state[key.replace(known[0], MASKS[known[0]], 1) if known else f"detr.{key}"] = value
    return state


def their_name(key: str, family: str) -> str:
    top, *stacks = FAMILIES[family]
    if key.startswith("backbone."):
        where = "model.backbone.conv_encoder.model" if family == "dab" else "model.backbone.model"
        return f"{where}.{_their_backbone(key)}"
    for stack, names in zip(("encoder", "decoder"), stacks, strict=True):
        if key.startswith(f"{stack}.layers."):
            _, _, number, *inner, leaf = key.split(".")
            return f"model.{stack}.layers.{number}.{names['.'.join(inner)]}.{leaf}"
    known = [ours for ours in top if key == ours or key.startswith(f"{ours}.")]
    return key.replace(known[0], top[known[0]], 1) if known else key


def _their_backbone(key: str) -> str:
    """backbone.layer2.0.conv1.weight → encoder.stages.1.layers.0.layer.0.convolution.weight."""
    _, stage, *rest = key.split(".")
    if stage in ("conv1", "bn1"):
        kind = {"conv1": "convolution", "bn1": "normalization"}[stage]
        return ".".join(["embedder.embedder", kind, *rest])
    block, module, *tail = rest
    if module == "downsample":
        kind = {"0": "convolution", "1": "normalization"}[tail.pop(0)]
        where = f"shortcut.{kind}"
    else:
        kind = "convolution" if module.startswith("conv") else "normalization"
        where = f"layer.{int(module[-1]) - 1}.{kind}"
    number = int(stage.removeprefix("layer")) - 1
    return ".".join([f"encoder.stages.{number}.layers.{block}", where, *tail])
