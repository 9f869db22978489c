"""What the queries that answer for objects say, so that class and box error can be counted of a test set."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdetr.models.settings import Weights3
from sdetr.objectives.matcher import match
from sdetr.objectives.targets import padded_targets
from sdetr.precision import exact
from sdetr.training.ranks import ALONE, Ranks
from sdetr.types import Predictions, View

PAIR = ("image_id", "object", "label", "box_cxcywh")
NOTHING = (torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64), torch.empty(0, 4))
"""Of the last three, where a rank has no view, or no object."""


class Matched:
    """Pairs of a query and an object, matched as in training, by the last decoder layer alone."""

    def __init__(self, cost: Weights3, focal: bool) -> None:
        self._cost, self._focal = cost, focal
        self._image_ids: list[int] = []
        self._found: list[tuple[Tensor, list[Tensor]]] = [(nothing, []) for nothing in NOTHING]

    def add(self, predictions: Predictions, view: View) -> None:
        """Of one view, whose boxes and labels are what there is to find; crowds are not among them."""
        logits, boxes = predictions.logits[-1], predictions.boxes[-1]  # (B, Q, ·)
        last = replace(predictions, logits=logits[None], boxes=boxes[None])
        pairs = match(last, padded_targets(view), self._cost, self._focal)
        query, target = pairs.query[0], pairs.target[0]  # (P,)
        self._image_ids += [view.image_ids[image] for image in pairs.image.tolist()]
        said = exact(logits[pairs.image, query]).argmax(-1), exact(boxes[pairs.image, query])
        for (_, column), values in zip(self._found, (target, *said), strict=True):
            column.append(values.cpu())

    def columns(self, ranks: Ranks = ALONE) -> dict[str, Any]:
        """One row per pair; an object is numbered among those of its image, from 0, in the index's order.

        A softmax detector may say the label after the last, which is no object. Of several ranks the leading
        one has the rows of all, one after the other.
        """
        image_ids = np.array(self._image_ids, np.int64)
        own = image_ids, *(torch.cat([nothing, *column]).cpu().numpy() for nothing, column in self._found)
        columns = zip(*ranks.gathered(own), strict=True)
        return dict(zip(PAIR, map(np.concatenate, columns), strict=False))
