"""Keys of published files that are no part of a detector here, and why."""

import re

PRETEXT = (
    (r"patch2query\..+", "what UP-DETR and Siamese DETR make queries from"),
    (r"feature_align\..+", "UP-DETR's reconstruction head"),
    (r"feature_embed\..+", "DETReg's embedding head"),
    (r"enc_head\..+", "Siamese DETR's global discrimination"),
)
"""Whoever has one of these was pretrained without labels, and its class head knows no classes."""

OTHERS = (
    (r"(.+\.)?num_batches_tracked", "counter of batches"),
    (r"criterion\..+", "weights of a loss"),
)


def why_dropped(name: str) -> str | None:
    return next((why for pattern, why in PRETEXT + OTHERS if re.fullmatch(pattern, name)), None)


def of_pretext(name: str) -> bool:
    return any(re.fullmatch(pattern, name) for pattern, _ in PRETEXT)
