"""Which answers could mean which objects: those of the same image and class."""

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.truth import Truth

Rows = NDArray[np.int64]


def pairs(truth: Truth, image: Rows, label: Rows) -> tuple[Rows, Rows]:
    """Positions of images (N,) and labels (N,) of answers → P pairs: answers (P,), ascending, objects (P,).

    Of an answer, objects come in the order of the index.
    """
    classes = len(truth.classes)
    key = truth.rank * classes + truth.label
    sorting = np.argsort(key, kind="stable")
    asked = image * classes + label
    first = np.searchsorted(key[sorting], asked, "left")
    count = np.searchsorted(key[sorting], asked, "right") - first
    answer = np.repeat(np.arange(asked.size), count)
    start = np.repeat(first - np.cumsum(count) + count, count)
    return answer, sorting[start + np.arange(answer.size)]
