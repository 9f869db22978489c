"""The file of resamples: what a run's numbers are on test sets drawn anew from its test images.

`{"images", "draws": digest, "metrics": {name: [B]}}`, percent, null where a draw has no object to find.
Runs whose draws are the same may be compared draw by draw.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.boxes import NOVEL
from sdetr.evaluation.columns import Columns
from sdetr.evaluation.curves import positions
from sdetr.evaluation.eleven_point import eleven_point_matches
from sdetr.evaluation.matches import match
from sdetr.evaluation.one_shot import one_shot_resampled
from sdetr.evaluation.resampling import Counts, Percents, draws, eleven_point_resampled, resampled
from sdetr.evaluation.settings import EvaluateRun
from sdetr.evaluation.truth import Truth, truth_and_found
from sdetr.files import write_json


@dataclass(frozen=True)
class Resamples:
    """B numbers of every metric."""

    images: int
    draws: str  # sha256 of how often each draw has each image
    metrics: dict[str, NDArray[np.float64]]  # (B,) percent; NaN where there is nothing to find


OfDraws = Callable[[NDArray[np.int64]], dict[str, NDArray[np.float64]]]
"""(I, B): how often each draw has each image → metrics, (B,) each, percent."""


def write_resamples(
    path: Path, run: EvaluateRun, predictions: Mapping[str, Any], also: OfDraws | None = None
) -> None:
    """`also`: of what is no box. Raises ValueError when predictions do not fit the index."""
    truth, found = truth_and_found(Path(run.test), predictions, run.any_class)
    counts = draws(truth.image_id.size, run.resamples)
    if run.one_shot:
        metrics = one_shot_resampled(Path(run.test), predictions, run.unseen, counts, run.eleven_point)
    else:
        metrics = _resampled(run, truth, found, counts)
    if also:
        metrics |= also(counts)
    content = {
        "images": truth.image_id.size,
        "draws": hashlib.sha256(counts.tobytes()).hexdigest(),
        "metrics": {
            name: [None if np.isnan(value) else round(float(value), 4) for value in values]
            for name, values in metrics.items()
        },
    }
    write_json(path, content)


def _resampled(run: EvaluateRun, truth: Truth, found: Columns, counts: Counts) -> dict[str, Percents]:
    matches = match(truth, found)
    metrics = resampled(matches, counts)
    if run.novel:
        of_novel = resampled(matches, counts, positions(truth.classes, run.novel))
        metrics |= {f"{name}-novel": of_novel[name] for name in NOVEL if name in of_novel}
    if run.eleven_point:
        by_image = eleven_point_matches(truth, found)
        metrics |= {f"{name}-11": values for name, values in eleven_point_resampled(by_image, counts).items()}
    return metrics


def read_resamples(path: Path) -> Resamples:
    """What `write_resamples` wrote."""
    content = json.loads(path.read_bytes())
    metrics = {name: np.array(values, np.float64) for name, values in content["metrics"].items()}
    return Resamples(content["images"], content["draws"], metrics)
