"""A detector's answers about a whole data set, as columns."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.data.loader import test_views
from sdetr.data.normalise import normalise
from sdetr.data.settings import ResizeSettings
from sdetr.evaluation.settings import OBJECT
from sdetr.models.answers import loudest
from sdetr.models.detector import Detector
from sdetr.types import Predictions, View


@torch.no_grad()
def predict(
    detector: Detector,
    dataset: Dataset,
    resize: ResizeSettings,
    keep: int,
    half: bool = False,
    logit: int | None = None,
    also: Callable[[Predictions, View], None] | None = None,
) -> dict[str, Any]:
    """At most `keep` answers per image, boxes clipped to it, as columns.

    The detector is in eval mode, on whatever device it is; `half`: in bfloat16, where that is a GPU; `logit`:
    the one that says how surely there is an object, where its classes are none of the data set's; `also` is
    shown all that is said, and the view that it is about.
    """
    device = next(detector.parameters()).device
    ids: list[int] = []
    found: list[list[Tensor]] = [[], [], []]
    for view, sizes_px in test_views(dataset, resize):
        with torch.autocast(device.type, torch.bfloat16, enabled=half and device.type == "cuda"):
            predictions = detector(seen := normalise(view.to(device)))
        if also is not None:
            also(predictions, seen)
        sizes_px = sizes_px.to(device)
        if logit is None:
            answers = detector.answers(predictions, sizes_px, keep)
        else:
            answers = loudest(predictions, logit, sizes_px, keep)
        for image_id, size_px, answer in zip(view.image_ids, sizes_px, answers, strict=True):
            ids += [image_id] * len(answer.labels)
            columns = answer.labels, clipped_xywh_px(answer.boxes_xyxy_px, size_px), answer.scores
            for column, values in zip(found, columns, strict=True):
                column.append(values)
    label, box_xywh_px, score = (torch.cat(column).cpu().numpy() for column in found)
    return {
        "classes": list(dataset.classes) if logit is None else [OBJECT],
        "image_id": ids,
        "label": label,
        "box_xywh_px": box_xywh_px,
        "score": score,
    }


def clipped_xywh_px(boxes_xyxy_px: Tensor, size_px: Tensor) -> Tensor:
    """(K, 4) corners → (K, 4) corner and size, inside an image of size_px (H, W)."""
    limits = size_px.flip(0).repeat(2)  # (W, H, W, H)
    inside = torch.minimum(boxes_xyxy_px.clamp(min=0), limits)
    return torch.cat([inside[:, :2], inside[:, 2:] - inside[:, :2]], dim=1)
