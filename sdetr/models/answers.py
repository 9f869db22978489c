"""From predictions to answers: scores, classes, and boxes in the pixels of the image."""

from dataclasses import dataclass

from torch import Tensor

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.types import Predictions


@dataclass(frozen=True)
class Answers:
    """What the detector says about one image, best first."""

    scores: Tensor  # (K,)
    labels: Tensor  # (K,) int64
    boxes_xyxy_px: Tensor  # (K, 4), in the image as it was before any resize
    query: Tensor  # (K,) int64, who says so


def best(predictions: Predictions, focal: bool, sizes_px: Tensor, keep: int) -> list[Answers]:
    """Of the last layer; sizes_px (B, 2) are H, W of the original images."""
    logits, boxes = predictions.logits[-1], predictions.boxes[-1]  # (B, Q, ·)
    if focal:
        scores = logits.sigmoid().flatten(1)  # (B, Q · C)
        scores, chosen = scores.topk(min(keep, scores.shape[1]))  # (B, K)
        query, labels = chosen // logits.shape[-1], chosen % logits.shape[-1]
    else:
        scores, labels = logits.softmax(-1)[..., :-1].max(-1)  # (B, Q)
        scores, query = scores.topk(min(keep, scores.shape[1]))  # (B, K)
        labels = labels.gather(1, query)
    return _answers(scores, labels, boxes, query, sizes_px)


def loudest(predictions: Predictions, logit: int, sizes_px: Tensor, keep: int) -> list[Answers]:
    """The same of one logit alone, which is then the score, and all labels are 0.

    Neither sigmoid nor softmax: what the other logits of a query say changes nothing.
    """
    scores = predictions.logits[-1][..., logit]  # (B, Q)
    scores, query = scores.topk(min(keep, scores.shape[1]))  # (B, K)
    return _answers(scores, query.new_zeros(query.shape), predictions.boxes[-1], query, sizes_px)


def _answers(scores: Tensor, labels: Tensor, boxes: Tensor, query: Tensor, sizes_px: Tensor) -> list[Answers]:
    """(B, K) scores, labels and whose they are, (B, Q, 4) cxcywh."""
    boxes = cxcywh_to_xyxy(boxes).gather(1, query[..., None].expand(-1, -1, 4))
    boxes_px = boxes * sizes_px.to(boxes).flip(1).repeat(1, 2)[:, None]
    return [Answers(*one) for one in zip(scores, labels, boxes_px, query, strict=True)]
