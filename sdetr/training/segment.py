"""From a detector's masks to segments that share no pixel, and to a mask of every answer (DETR §5)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sdetr.data.dataset import Dataset
from sdetr.data.loader import test_views
from sdetr.data.normalise import normalise
from sdetr.data.settings import ResizeSettings
from sdetr.data.transforms import centred, nearest
from sdetr.evaluation.masks import MASK, as_runs
from sdetr.evaluation.panoptic import Found
from sdetr.models.answers import Answers
from sdetr.models.detector import Detector
from sdetr.objectives.panoptic_settings import MasksSettings
from sdetr.segments import as_png
from sdetr.training.infer import clipped_xywh_px, dealt
from sdetr.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Said:
    """Of one image, ready to be sent to another process."""

    image_id: int
    label: NDArray[np.int64]
    box_xywh_px: NDArray[np.float32]
    score: NDArray[np.float32]
    runs: list[str]
    found: Found


@torch.no_grad()
def segment(
    detector: Detector,
    dataset: Dataset,
    resize: ResizeSettings,
    settings: MasksSettings,
    keep: int,
    half: bool = False,
    ranks: Ranks = ALONE,
    runs: bool = True,
) -> tuple[dict[str, Any], dict[int, Found]]:
    """What `predict` returns, with the mask of every answer if `runs`; and the segments of every image.

    Of several ranks the leading one returns what one alone would, in the same order; the others nothing.
    """
    device = next(detector.parameters()).device
    things = torch.tensor(dataset.things, device=device)
    of_views: list[list[Said]] = []
    for view, sizes_px in test_views(dataset, resize, part=slice(ranks.rank, None, ranks.world)):
        with torch.autocast(device.type, torch.bfloat16, enabled=half and device.type == "cuda"):
            memory = detector.encode(normalise(view.to(device)))
            predictions = detector.decode(memory)
            masks = detector.masks(memory, predictions)  # (B, Q, h, w)
        answers = detector.answers(predictions, sizes_px.to(device), keep)
        shape = view.images.shape[-2], view.images.shape[-1]
        of_views.append([])
        for n, (image_id, size_px) in enumerate(zip(view.image_ids, sizes_px.to(device), strict=True)):
            size = int(size_px[0]), int(size_px[1])
            ids, labels = segmented(predictions.logits[-1, n], masks[n], shape, size, things, settings)
            found = Found(as_png(ids.cpu().numpy()), tuple(range(1, len(labels) + 1)), tuple(labels))
            own = as_runs(answer_masks(answers[n], masks[n], shape, size).cpu().numpy()) if runs else []
            of_views[-1].append(_said(image_id, answers[n], size_px, own, found))
    rows = [said for view in dealt(of_views, ranks) or [] for said in view]
    if not rows:
        return {}, {}
    return _columns(rows, dataset.classes, runs), {said.image_id: said.found for said in rows}


def segmented(
    logits: Tensor,
    masks: Tensor,
    shape: tuple[int, int],
    size: tuple[int, int],
    things: Tensor,
    settings: MasksSettings,
) -> tuple[Tensor, list[int]]:
    """(Q, C + 1), (Q, h, w) logits → (H, W) int64 of `size`, the segment of each pixel, and labels of 1, 2, …

    `shape` is that of the image that was seen. Of queries that are sure of a class the loudest has a pixel;
    all that say the same kind of stuff are one segment, again after each removal of specks (UP-DETR T17).
    If nobody is sure, all is 0, and there are no labels (UP-DETR T18).
    """
    scores, labels = logits.softmax(-1).max(-1)
    sure = (labels < len(things)) & (scores > settings.confident)
    labels, masks = labels[sure], masks[sure]
    if not len(labels):
        return torch.zeros(size, dtype=torch.int64, device=logits.device), []
    large = F.interpolate(masks[None], shape, mode="bilinear", align_corners=False)[0]  # (K, H, W)
    while len(labels):
        speaker = _first_alike(labels, things)[centred(large.argmax(0), size)]  # (H, W)
        area = torch.bincount(speaker.flatten(), minlength=len(labels))[_first_alike(labels, things)]
        large_enough = area > settings.speck_px
        if large_enough.all():
            names, place = torch.unique(speaker, return_inverse=True)
            return place + 1, labels[names].tolist()
        labels, large = labels[large_enough], large[large_enough]
    return torch.zeros(size, dtype=torch.int64, device=logits.device), []


def answer_masks(answers: Answers, masks: Tensor, shape: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """(Q, h, w) logits → (K, H, W) bool of `size`: what each answer's query says, more likely than not."""
    large = F.interpolate(masks[answers.query][None], shape, mode="bilinear", align_corners=False)[0]
    return nearest(large > 0, size)


def _first_alike(labels: Tensor, things: Tensor) -> Tensor:
    """(K,) → (K,): the first query that is of the same segment: itself, or the first of its kind of stuff."""
    number = torch.arange(len(labels), device=labels.device)
    alike = (labels[:, None] == labels) & ~things[labels][:, None]
    alike |= number[:, None] == number
    return torch.where(alike, number, len(labels)).amin(1)


def _said(image_id: int, answers: Answers, size_px: Tensor, runs: list[str], found: Found) -> Said:
    boxes = clipped_xywh_px(answers.boxes_xyxy_px, size_px)
    label, box, score = (values.cpu().numpy() for values in (answers.labels, boxes, answers.scores))
    return Said(image_id, label, box, score, runs, found)


def _columns(rows: list[Said], classes: list[str], runs: bool) -> dict[str, Any]:
    columns = {
        "classes": list(classes),
        "image_id": [said.image_id for said in rows for _ in said.label],
        "label": np.concatenate([said.label for said in rows]),
        "box_xywh_px": np.concatenate([said.box_xywh_px for said in rows]),
        "score": np.concatenate([said.score for said in rows]),
    }
    return columns | ({MASK: [one for said in rows for one in said.runs]} if runs else {})
