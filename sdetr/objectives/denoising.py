"""Objects are asked about once more, disturbed: who answers for what is known (DN-DETR, arXiv:2203.01305)."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sdetr.models.anchors import AnchorQueries
from sdetr.models.heads import inverse_sigmoid
from sdetr.models.settings import DenoisingSettings
from sdetr.objectives.matcher import Pairs
from sdetr.objectives.targets import Targets
from sdetr.types import Ask, Extra, Predictions


@dataclass(frozen=True)
class Disturbed:
    """Queries made from objects: `count` of them in front of the detector's own."""

    ask: Ask
    pairs: Pairs
    count: int

    def split(self, said: Predictions) -> tuple[Predictions, Predictions]:
        """What is said of the disturbed objects, and what the detector's own queries say."""
        return _part(said, slice(None, self.count)), _part(said, slice(self.count, None))


def disturbed(
    queries: AnchorQueries, own: int, layers: int, targets: Targets, settings: DenoisingSettings
) -> Disturbed | None:
    """Group after group of all objects, padded to the most in an image; none if there is no object.

    Draws from torch's generator of the targets' device.
    """
    most = targets.labels.shape[1]
    if not most:
        return None
    pairs = _pairs(targets, settings.groups, layers)
    there = (torch.arange(most) < torch.tensor(targets.counts)[:, None]).repeat(1, settings.groups)
    there = there.to(targets.labels.device, non_blocking=True)  # (B, K)
    labels = targets.labels.repeat(1, settings.groups)  # (B, K)
    flipped = torch.rand_like(labels, dtype=torch.float32) < settings.label_noise
    assert queries.labels is not None
    labels = torch.where(flipped, torch.randint_like(labels, len(queries.labels)), labels)
    content = queries.known(labels).masked_fill(~there[..., None], 0)
    boxes = _moved(targets.boxes.repeat(1, settings.groups, 1), settings.box_noise)
    boxes = boxes.masked_fill(~there[..., None], 0.5)
    blocked = _blocked(most, settings.groups, own).to(boxes.device, non_blocking=True)
    ask = Ask(blocked=blocked, extra=Extra(content, boxes))
    return Disturbed(ask, pairs, settings.groups * most)


def _moved(boxes: Tensor, most: float) -> Tensor:
    """(B, K, 4) → (B, K, 4) in 0..1, as far from both ends as their logits can say."""
    reach = torch.cat([boxes[..., 2:] / 2, boxes[..., 2:]], dim=-1)
    moved = boxes + most * reach * (2 * torch.rand_like(boxes) - 1)
    return inverse_sigmoid(moved).sigmoid()


def _blocked(most: int, groups: int, own: int) -> Tensor:
    """(K + Q, K + Q): nobody sees another group, and the detector's own queries see none."""
    group = torch.arange(groups).repeat_interleave(most)  # (K,)
    group = torch.cat([group, torch.full((own,), groups)])
    sees_own = group[None, :] == groups  # which every group may
    return (group[:, None] != group[None, :]) & ~sees_own


def _pairs(targets: Targets, groups: int, layers: int) -> Pairs:
    """Every group answers for every object; all layers alike."""
    most = targets.labels.shape[1]
    rows = [
        (image, group * most + number, number)
        for image, count in enumerate(targets.counts)
        for group in range(groups)
        for number in range(count)
    ]
    image, query, target = torch.tensor(rows).T.to(targets.labels.device, non_blocking=True)  # (P,) each
    return Pairs(image, query.expand(layers, -1), target.expand(layers, -1))


def _part(said: Predictions, chosen: slice) -> Predictions:
    return replace(
        said,
        logits=said.logits[:, :, chosen],
        boxes=said.boxes[:, :, chosen],
        hidden=said.hidden[:, :, chosen],
        references=[reference[:, chosen] for reference in said.references],
    )
