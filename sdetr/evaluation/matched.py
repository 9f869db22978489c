"""Checked columns of matched queries: what each says about the object that it answers for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.columns import real, whole

MATCHED = "matched"
"""Where they stand in a file of predictions."""
KEYS = ("image_id", "object", "label", "box_cxcywh")


@dataclass(frozen=True)
class PairColumns:
    """P pairs."""

    image_id: NDArray[np.int64]  # (P,)
    object: NDArray[np.int64]  # (P,), among those of its image that are no crowd, from 0
    label: NDArray[np.int64]  # (P,), 0 .. classes, the last being no object
    box_cxcywh: NDArray[np.float64]  # (P, 4), fractions of the image


def pair_columns(predictions: Mapping[str, Any], classes: int, where: str = "predictions") -> PairColumns:
    """Lists or arrays → checked arrays. Raises ValueError, beginning with `where`."""
    said, where = predictions.get(MATCHED), f"{where}: {MATCHED}"
    if not isinstance(said, Mapping) or set(said) != set(KEYS):
        found = ", ".join(said) if isinstance(said, Mapping) else "nothing"
        raise ValueError(
            f"{where}: found {found}, expected {', '.join(KEYS)}; fine-tune with a protocol that says matched"
        )
    checked = PairColumns(
        image_id=whole(said["image_id"], "image_id", where),
        object=whole(said["object"], "object", where),
        label=whole(said["label"], "label", where),
        box_cxcywh=real(said["box_cxcywh"], "box_cxcywh", where, inner=(4,)),
    )
    lengths = {key: len(getattr(checked, key)) for key in KEYS}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{where}: columns of unequal length: {lengths}; expected one row per pair")
    if np.any((checked.label < 0) | (checked.label > classes)) or not np.isfinite(checked.box_cxcywh).all():
        raise ValueError(f"{where}: a label beyond {classes}, or a box that is not finite; predict again")
    return checked
