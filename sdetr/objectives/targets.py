"""The objects of a batch as tensors of one shape."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

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
    return Targets(
        labels=pad_sequence(view.labels, batch_first=True),
        boxes=pad_sequence([boxes.reshape(-1, 4) for boxes in view.boxes], batch_first=True),
        counts=[len(labels) for labels in view.labels],
        image_ids=view.image_ids,
    )


def pairs_per_image(counts: list[int], queries: int) -> list[int]:
    """How many objects of each image get a query."""
    return [min(count, queries) for count in counts]
