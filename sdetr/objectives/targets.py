"""The objects of a batch as tensors of one shape."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sdetr.types import View


@dataclass(frozen=True)
class Targets:
    """What is to be found; rows beyond an image's count mean nothing."""

    labels: Tensor  # (B, N) int64
    boxes: Tensor  # (B, N, 4) cxcywh
    counts: list[int]  # objects of each image, Python ints: nothing waits for the device
    image_ids: list[int]


def padded_targets(view: View) -> Targets:
    """Pads with label 0 and empty boxes to the most objects in the batch, which may be none."""
    counts = [len(labels) for labels in view.labels]
    labels, boxes = torch.cat(view.labels), torch.cat(view.boxes).reshape(-1, 4)
    most = max(counts)
    rows = real_rows(counts, most, labels.device)
    return Targets(
        labels=labels.new_zeros(len(counts) * most).index_copy(0, rows, labels).view(len(counts), most),
        boxes=boxes.new_zeros(len(counts) * most, 4).index_copy(0, rows, boxes).view(len(counts), most, 4),
        counts=counts,
        image_ids=view.image_ids,
    )


def real_rows(counts: list[int], most: int, device: torch.device) -> Tensor:
    """(P,) int64: of a flat stack with `most` rows for each image, those that are an image's own."""
    rows = [image * most + number for image, count in enumerate(counts) for number in range(count)]
    return torch.tensor(rows, dtype=torch.int64).to(device, non_blocking=True)


def pairs_per_image(counts: list[int], queries: int) -> list[int]:
    """How many objects of each image get a query."""
    return [min(count, queries) for count in counts]
