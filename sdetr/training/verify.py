"""Weights measured again: is a number what they are said to reach?"""

import json
import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sdetr.data.dataset import Dataset
from sdetr.data.index import Index
from sdetr.data.settings import ResizeSettings
from sdetr.interop.detectors import load_detector
from sdetr.training.ask_images import PUBLISHED
from sdetr.training.device import choose_device
from sdetr.training.infer import predict

log = logging.getLogger(__name__)

ENDS = (0.025, 0.975)
"""Of an interval of 95 %."""
ROUNDING = 0.1
"""Percent that two machines, or two versions of a library, may differ by on all images."""
KEEP = 100
"""Answers per image that COCO counts."""


@dataclass(frozen=True)
class Verified:
    """A metric, percent, found and expected."""

    metric: str
    found: float
    low: float
    high: float
    images: int
    of: int
    expected: float
    said_by: str

    @property
    def holds(self) -> bool:
        """On all images as a number, on some as an interval."""
        if self.images == self.of:
            return abs(self.found - self.expected) <= ROUNDING
        return self.low - ROUNDING <= self.expected <= self.high + ROUNDING

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "does not hold"
        measured = (
            f"{self.found:.1f} ({self.low:.1f} to {self.high:.1f}) on {self.images} of {self.of} images"
        )
        return f"{self.metric} {self.expected:.1f}, said by {self.said_by}, {verdict}: {measured}"


def said_by_run(weights: Path, metric: str) -> tuple[float | None, Path | None]:
    """The number of the run whose weights these are, and the index that it was measured on.

    None where the weights lie in no run's folder. Raises ValueError where it has no such number.
    """
    path = weights.with_name("metrics.json")
    if not path.exists():
        return None, None
    try:
        said = json.loads(path.read_bytes())
        return float(said["metrics"][metric]), Path(said["inputs"]["test"]["path"])
    except (KeyError, ValueError) as error:
        told = f"{path} has no {metric} of a run ({error!r})"
        raise ValueError(f"{told}; make it again, or say --expect") from error


def verify(
    weights: Path,
    index: Path,
    expected: float,
    said_by: str,
    metric: str = "AP",
    images: int | None = None,
    device: str = "auto",
    seed: int = 0,
) -> Verified:
    """Measured on all images, or on so many of them, drawn.

    Raises ValueError where the detector's classes are not the data set's.
    """
    from sdetr.evaluation.boxes import evaluate
    from sdetr.evaluation.matches import match
    from sdetr.evaluation.resampling import draws, resampled
    from sdetr.evaluation.truth import truth_and_found

    detector, card = load_detector(weights)
    whole = Index.load(index)
    if card.classes and list(card.classes) != whole.classes:
        raise ValueError(
            f"{weights} knows {len(card.classes)} classes, {', '.join(card.classes[:3])} …; {index} has "
            f"{len(whole.classes)}, {', '.join(whole.classes[:3])} …: give the data that it was trained for"
        )
    part = _some(whole, images, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.json"
        part.save(path)
        resize: ResizeSettings = card.resize or PUBLISHED
        answers = predict(detector.to(choose_device(device)).eval(), Dataset(path), resize, KEEP)
        answers |= {"dataset": part.dataset}
        found = evaluate(path, answers)
        truth, columns = truth_and_found(path, answers, False)
        drawn = resampled(match(truth, columns), draws(truth.image_id.size, 1000))[metric]
    low, high = np.nanquantile(drawn, ENDS)
    return Verified(
        metric, found[metric], float(low), float(high), len(part.images), len(whole.images), expected, said_by
    )


def _some(whole: Index, count: int | None, seed: int) -> Index:
    if count is None or count >= len(whole.images):
        return whole
    chosen = np.sort(np.random.default_rng(seed).permutation(len(whole.images))[:count])
    images = [whole.images[n] for n in chosen]
    ids = {row.id for row in images}
    return replace(
        whole, images=images, annotations=[row for row in whole.annotations if row.image_id in ids]
    )
