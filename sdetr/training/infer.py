"""A detector's answers about a whole data set, as columns."""

from collections.abc import Callable
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sdetr.data.dataset import Dataset
from sdetr.data.loader import test_views
from sdetr.data.normalise import normalise
from sdetr.data.settings import ResizeSettings
from sdetr.evaluation.settings import OBJECT
from sdetr.models.answers import loudest
from sdetr.models.detector import Detector
from sdetr.training.ranks import ALONE, Ranks
from sdetr.types import Predictions, View

T = TypeVar("T")


@torch.no_grad()
def predict(
    detector: Detector,
    dataset: Dataset,
    resize: ResizeSettings,
    keep: int,
    half: bool = False,
    logit: int | None = None,
    also: Callable[[Predictions, View], None] | None = None,
    ranks: Ranks = ALONE,
) -> dict[str, Any]:
    """At most `keep` answers per image, boxes clipped to it, as columns.

    The detector is in eval mode, on whatever device it is; `half`: in bfloat16, where that is a GPU; `logit`:
    the one that says how surely there is an object, where its classes are none of the data set's; `also` is
    shown all that is said, and the view that it is about. Of several ranks each answers about its views;
    the leading one returns the same rows in the same order as one alone, the others nothing.
    """
    device = next(detector.parameters()).device
    ids: list[list[int]] = []  # of every view, of every answer
    found: list[list[Tensor]] = [[], [], []]
    for view, sizes_px in test_views(dataset, resize, part=slice(ranks.rank, None, ranks.world)):
        ids.append([])
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
            ids[-1] += [image_id] * len(answer.labels)
            columns = answer.labels, clipped_xywh_px(answer.boxes_xyxy_px, size_px), answer.scores
            for column, values in zip(found, columns, strict=True):
                column.append(values)
    rows = joined(ids, found, ranks)
    if not rows:
        return {}
    image_ids, (label, box_xywh_px, score) = rows
    return {
        "classes": list(dataset.classes) if logit is None else [OBJECT],
        "image_id": image_ids,
        "label": label,
        "box_xywh_px": box_xywh_px,
        "score": score,
    }


def joined(
    ids: list[list[int]], found: list[list[Tensor]], ranks: Ranks
) -> tuple[list[int], list[NDArray[Any]]] | None:
    """Image ids of every view, columns of every answer → those of all ranks; views were dealt out in turn.

    None where another rank leads.
    """
    ends = np.cumsum([len(of_view) for of_view in ids])[:-1]
    columns = [np.split(torch.cat(column).cpu().numpy(), ends) if ids else [] for column in found]
    of_views = dealt(list(zip(ids, *columns, strict=True)), ranks)
    if of_views is None:
        return None
    image_ids, *values = zip(*of_views, strict=True)
    return list(chain.from_iterable(image_ids)), [np.concatenate(column) for column in values]


def dealt(of_views: list[T], ranks: Ranks) -> list[T] | None:
    """Something of every view that a rank had → that of all views; None where another rank leads."""
    of_ranks: list[list[T]] = ranks.gathered(of_views)
    if not of_ranks:
        return None
    return [of_rank[n] for n in range(len(of_ranks[0])) for of_rank in of_ranks if n < len(of_rank)]


def clipped_xywh_px(boxes_xyxy_px: Tensor, size_px: Tensor) -> Tensor:
    """(K, 4) corners → (K, 4) corner and size, inside an image of size_px (H, W)."""
    limits = size_px.flip(0).repeat(2)  # (W, H, W, H)
    inside = torch.minimum(boxes_xyxy_px.clamp(min=0), limits)
    return torch.cat([inside[:, :2], inside[:, 2:] - inside[:, :2]], dim=1)
