"""Weights measured again: is a number what they are said to reach?"""

import json
import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sdetr.data.dataset import Dataset
from sdetr.data.index import Index
from sdetr.data.settings import ResizeSettings
from sdetr.files import sha256
from sdetr.interop.detectors import load_detector
from sdetr.training.ask_images import PUBLISHED
from sdetr.training.device import choose_device
from sdetr.training.infer import predict

log = logging.getLogger(__name__)

ROUNDING = 0.1
"""Percent that two machines, or two versions of a library, may differ by on all images."""
WIDE = 5.0
"""Percent from end to end of an interval, above which it tells little: papers differ by less."""
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
    def whole(self) -> bool:
        """Whether it was measured on all images."""
        return self.images == self.of

    @property
    def holds(self) -> bool:
        """On all images as a number; on some it is that nothing contradicts it, which is less."""
        if self.whole:
            return abs(self.found - self.expected) <= ROUNDING
        return self.low - ROUNDING <= self.expected <= self.high + ROUNDING

    @property
    def vague(self) -> str:
        """What to do where the interval is too wide to tell much; empty elsewhere."""
        if self.whole or self.high - self.low <= WIDE:
            return ""
        return (
            f"warning: that tells little, for every number from {self.low:.1f} to {self.high:.1f} would "
            "agree as well; take more images (--images), or all"
        )

    def __str__(self) -> str:
        agrees = f"agrees, within {self.low - self.found:+.1f}...{self.high - self.found:+.1f}"
        verdict = ("holds" if self.whole else agrees) if self.holds else "does not hold"
        measured = (
            f"{self.found:.1f} ({self.low:.1f} to {self.high:.1f}) on {self.images} of {self.of} images"
        )
        return f"{self.metric} {self.expected:.1f}, said by {self.said_by}, {verdict}: {measured}"


def said_by_run(weights: Path, metric: str) -> float | None:
    """The number of the run whose weights these are; None where they lie in no run's folder.

    Raises ValueError where it has no such number.
    """
    number = _of_run(weights, ("metrics", metric), "--expect")
    return None if number is None else float(number)


def measured_on(weights: Path) -> Path | None:
    """The index that it was measured on. None, and raises, as `said_by_run`; also where it is another now."""
    said = _of_run(weights, ("inputs", "test", "path"), "--data")
    if said is None:
        return None
    path, digest = Path(said), _of_run(weights, ("inputs", "test", "sha256"), "--data")
    now = sha256(path) if path.exists() else ""
    if now != digest:
        found = f"now it is {now[:12]}…" if now else "now there is none"
        raise ValueError(
            f"{path} is not what {weights} was measured on: its sha256 was {digest[:12]}…, {found}; prepare "
            "it again as it was, or say --data INDEX to measure on that"
        )
    return path


def _of_run(weights: Path, keys: tuple[str, ...], instead: str) -> Any:
    path = weights.with_name("metrics.json")
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_bytes())
        for key in keys:
            value = value[key]
    except (KeyError, TypeError, ValueError) as error:
        told = f"{path} has no {'.'.join(keys)} of a run ({error!r})"
        raise ValueError(f"{told}; make it again, or say {instead}") from error
    return value


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

    Raises ValueError where the detector's classes are not the data set's, and where nothing is to be found.
    """
    from sdetr.evaluation.boxes import evaluate
    from sdetr.evaluation.matches import match
    from sdetr.evaluation.resampling import ENDS, draws, resampled
    from sdetr.evaluation.truth import truth_and_found

    detector, card = load_detector(weights)
    whole = Index.load(index)
    if card.classes and list(card.classes) != whole.classes:
        raise ValueError(
            f"{weights} knows {len(card.classes)} classes, {', '.join(card.classes[:3])} …; {index} has "
            f"{len(whole.classes)}, {', '.join(whole.classes[:3])} …: give the data that it was trained for"
        )
    part = _some(whole, images, seed)
    if all(row.crowd for row in part.annotations):
        raise ValueError(
            f"none of the {len(part.images)} images of {index} has an object, so that there is no {metric}; "
            + ("take more (--images)" if len(part.images) < len(whole.images) else "give an index with boxes")
        )
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
