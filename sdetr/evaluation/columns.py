"""Checked columns of predictions: what could only give a number without meaning is refused here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEYS = ("dataset", "classes", "image_id", "label", "box_xywh_px", "score")


@dataclass(frozen=True)
class Columns:
    """N detections."""

    dataset: str
    classes: tuple[str, ...]
    image_id: NDArray[np.int64]  # (N,)
    label: NDArray[np.int64]  # (N,), 0 .. classes - 1
    box_xywh_px: NDArray[np.float64]  # (N, 4), sizes not negative
    score: NDArray[np.float64]  # (N,)


def columns(predictions: Mapping[str, Any], where: str = "predictions") -> Columns:
    """Lists or arrays → checked arrays. Raises ValueError, beginning with `where`."""
    missing = [key for key in KEYS if key not in predictions]
    if missing:
        raise ValueError(f"{where}: no {', '.join(missing)}; expected {', '.join(KEYS)}")
    checked = Columns(
        dataset=str(predictions["dataset"]),
        classes=tuple(predictions["classes"]),
        image_id=whole(predictions["image_id"], "image_id", where),
        label=whole(predictions["label"], "label", where),
        box_xywh_px=real(predictions["box_xywh_px"], "box_xywh_px", where, inner=(4,)),
        score=real(predictions["score"], "score", where, inner=()),
    )
    lengths = {key: len(getattr(checked, key)) for key in KEYS[2:]}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise ValueError(f"{where}: columns of unequal length: {found}; expected one row per detection")
    _refuse_bad_rows(checked, where)
    return checked


def whole(values: Any, name: str, where: str) -> NDArray[np.int64]:
    """A column of whole numbers, (N,). Raises ValueError, beginning with `where`."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        found = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"{where}: {name} is {found}, expected whole numbers of shape (N,)")
    return array.astype(np.int64)


def real(values: Any, name: str, where: str, inner: tuple[int, ...]) -> NDArray[np.float64]:
    """A column of numbers, (N, *inner). Raises ValueError, beginning with `where`."""
    wanted = "(N, 4)" if inner else "(N,)"
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {name} is no array of numbers of shape {wanted}: {error}") from error
    array = array if array.size else array.reshape(0, *inner)
    if array.shape != (len(array), *inner):
        raise ValueError(f"{where}: {name} has shape {array.shape}, expected {wanted}")
    return array


def _refuse_bad_rows(checked: Columns, where: str) -> None:
    unknown = np.logical_or(checked.label < 0, checked.label >= len(checked.classes))
    infinite = ~np.logical_and(np.isfinite(checked.score), np.isfinite(checked.box_xywh_px).all(axis=1))
    negative = np.any(checked.box_xywh_px[:, 2:] < 0, axis=1)
    count = len(checked.classes)
    for bad, what in (
        (unknown, f"an unknown label, first {checked.label[unknown][:1]}; the {count} classes count from 0"),
        (infinite, "a score or box that is not finite; did the training diverge?"),
        (negative, "a box of negative width or height; expected left, top, width, height"),
    ):
        if bad.any():
            images = _counted(checked.image_id[bad])
            raise ValueError(f"{where}: {bad.sum()} of {bad.size} detections (in {images}) have {what}")


def _counted(image_id: NDArray[np.int64]) -> str:
    images, counts = np.unique(image_id, return_counts=True)
    named = [f"image {image}: {count}" for image, count in zip(images[:5], counts[:5], strict=True)]
    return ", ".join(named) + (f", and {images.size - 5} more images" if images.size > 5 else "")
