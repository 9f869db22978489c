"""What Hugging Face's `config.json` and `preprocessor_config.json` say of a detector."""

from typing import Any

from sdetr.data.normalise import DEVIATION, MEAN
from sdetr.interop.hf_facts import FIELDS, PUBLISHED_RESIZE
from sdetr.interop.names import Family, family_of
from sdetr.interop.settings import DetectorCard
from sdetr.models.backbone import BLOCKS, BOTTLENECK
from sdetr.models.neck import READ
from sdetr.models.settings import TrunkSettings
from sdetr.models.variants import VARIANTS

CLASSES: dict[Family, tuple[str, str]] = {
    "detr": ("detr", "DetrForObjectDetection"),
    "conditional": ("conditional_detr", "ConditionalDetrForObjectDetection"),
    "deformable": ("deformable_detr", "DeformableDetrForObjectDetection"),
    "dab": ("dab-detr", "DabDetrForObjectDetection"),
}
"""Family → `model_type` and class."""

PROCESSORS = {
    "detr": "DetrImageProcessor",
    "conditional": "ConditionalDetrImageProcessor",
    "deformable": "DeformableDetrImageProcessor",
    "dab": "ConditionalDetrImageProcessor",  # there is none of its own
}


def config_of(card: DetectorCard) -> dict[str, Any]:
    """Of `config.json`; whether they can say it all, `hf_export.py` has checked."""
    model, row = card.model, VARIANTS[card.model.variant]
    family = family_of(model.variant)
    kind, architecture = CLASSES[family]
    reads = min(row.levels, READ)
    if model.mask_attention:
        architecture, reads = "DetrForSegmentation", card.trunk.stages
    said = model.model_dump()
    config: dict[str, Any] = {
        "architectures": [architecture],
        "model_type": kind,
        "use_timm_backbone": False,
        "backbone_config": _backbone(card.trunk, reads),
        "hidden_size" if family == "dab" else "d_model": model.width,
        "encoder_layers": model.encoder_layers,
        "decoder_layers": model.decoder_layers,
        "encoder_ffn_dim": model.ffn,
        "decoder_ffn_dim": model.ffn,
        "attention_dropout": model.dropout,
        "activation_dropout": model.dropout,
        "activation_function": row.activation,
        "focal_alpha": 0.25,  # arXiv:1708.02002 §5
        "id2label": {str(i): name for i, name in enumerate(card.classes)},
        "label2id": {name: i for i, name in enumerate(card.classes)},
    }
    for ours, theirs in FIELDS.items():
        value: Any = said
        for word in ours.split("."):
            value = value[word]
        if value is not None and (ours != "temperature" or family == "dab"):
            whole = isinstance(value, float) and value.is_integer() and ours != "dropout"
            config |= dict.fromkeys(theirs, int(value) if whole else value)
    if family == "deformable":
        config |= {
            "num_feature_levels": row.levels,
            "encoder_n_points": model.points,
            "decoder_n_points": model.points,
            "with_box_refine": row.refine,
            "two_stage": row.queries == "proposals",
            "two_stage_num_proposals": model.queries,
        }
    return config | ({"num_patterns": model.patterns} if family == "dab" else {})


def preprocessor_of(card: DetectorCard) -> dict[str, Any]:
    """Of `preprocessor_config.json`."""
    resize = card.resize or PUBLISHED_RESIZE
    return {
        "image_processor_type": PROCESSORS[family_of(card.model.variant)],
        "format": "coco_panoptic" if card.model.mask_attention else "coco_detection",
        "do_resize": True,
        "size": {"shortest_edge": resize.short, "longest_edge": resize.longest},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(MEAN),
        "image_std": list(DEVIATION),
        "do_pad": True,
    }


def _backbone(trunk: TrunkSettings, reads: int) -> dict[str, Any]:
    bottleneck = trunk.arch in BOTTLENECK
    widths = [trunk.width * 2**stage * (4 if bottleneck else 1) for stage in range(trunk.stages)]
    names = [f"stage{stage}" for stage in range(1, trunk.stages + 1)]
    return {
        "model_type": "resnet",
        "layer_type": "bottleneck" if bottleneck else "basic",
        "embedding_size": trunk.width,
        "hidden_sizes": widths,
        "depths": list(BLOCKS[trunk.arch][: trunk.stages]),
        "out_features": names[-reads:],
    }
