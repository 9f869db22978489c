"""The column of one-shot predictions that says in which pass an answer was given."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.columns import Columns, whole

PASS = "pass"
"""Where it stands in a file of predictions; `label` is then the class that was asked for."""


def pass_column(
    predictions: Mapping[str, Any], found: Columns, where: str = "predictions"
) -> NDArray[np.int64]:
    """(N,), from 1. Raises ValueError, beginning with `where`, where it is missing or of another length."""
    if PASS not in predictions:
        raise ValueError(f"{where}: no {PASS}; fine-tune with a protocol of task one_shot")
    turn = whole(predictions[PASS], PASS, where)
    if turn.size != found.label.size:
        raise ValueError(f"{where}: {PASS} has {turn.size} rows, expected {found.label.size}, one per answer")
    if turn.size and turn.min() < 1:
        raise ValueError(f"{where}: {PASS} {turn.min()}; passes count from 1")
    return turn
