"""Average precision and recall of boxes, in percent; a metric without any object to find is absent."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.curves import Curves, curves

NOVEL = ("AP", "AP50", "AP75")
"""What few-shot detection asks of its novel classes."""


def evaluate(index: Path, predictions: Mapping[str, Any]) -> dict[str, float]:
    """AP AP50 AP75 APs APm APl AR1 AR10 AR100. Raises ValueError when predictions do not fit the index."""
    return metrics(curves(index, predictions))


def metrics(found: Curves) -> dict[str, float]:
    """COCO's numbers; precision is averaged over recalls, both over IoUs and classes."""
    precision, recall = found.precision, found.recall
    values = {
        "AP": precision[..., 0, 2],
        "AP50": precision[0, ..., 0, 2],
        "AP75": precision[5, ..., 0, 2],
        "APs": precision[..., 1, 2],
        "APm": precision[..., 2, 2],
        "APl": precision[..., 3, 2],
        "AR1": recall[..., 0, 0],
        "AR10": recall[..., 0, 1],
        "AR100": recall[..., 0, 2],
    }
    return {name: mean for name, value in values.items() if (mean := _percent(value)) is not None}


def novel_metrics(found: Curves, classes: Sequence[str]) -> dict[str, float]:
    """AP-novel AP50-novel AP75-novel: over those classes. Raises ValueError for one that is not there."""
    numbers = metrics(found.over(classes))
    return {f"{name}-novel": numbers[name] for name in NOVEL if name in numbers}


def per_class(found: Curves) -> dict[str, float]:
    """AP of each class that has an object."""
    values = {name: found.precision[:, :, n, 0, 2] for n, name in enumerate(found.classes)}
    return {name: mean for name, value in values.items() if (mean := _percent(value)) is not None}


def _percent(values: NDArray[np.float64]) -> float | None:
    there = values[values > -1]
    return 100 * float(np.mean(there)) if there.size else None
