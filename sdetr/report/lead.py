"""How far the best of some rows is before the next, and whether chance explains it.

The bootstrap is paired over images: every draw has the same test images for both rows and all their seeds.
Seeds are drawn with it, for another training would have given other ones: of n seeds n − 1, with replacement,
whose mean varies exactly as the mean of n does. So few seeds say little about how much they vary; as in
Welch's test the interval is widened by Student's t over the normal quantile, at the degrees of freedom that
the seeds leave (Satterthwaite's). Of equal rows with two, three or five seeds 4 to 7 % seem different then,
else up to a third. A row of one run adds nothing: its interval knows the test images' chance alone.

Where each seed has training data of its own, seeds of two rows are pairs: what a draw of the data does to
both is no difference of theirs. Then the same seeds stand for both, and what varies is the differences of
pairs: too few to be drawn, but their interval is known in closed form (Student's t, n − 1 degrees of freedom)
and is added to that of the images in squares. Without chance of images it is the paired t-test's. Of equal
rows 2 to 6 % seem different.

The best of several is before an equal row by luck alone, the more so the more there are. Where a row is
compared with the best of k others its upper end is that of 0.025 / k (Bonferroni): it is worse than the best
by more than the best of k had by luck. The lower end needs none of that: to beat the best is hard enough.
"""

import hashlib
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from sdetr.evaluation.resamples import Resamples
from sdetr.evaluation.resampling import ENDS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """What a row brings into comparisons: values and resamples of its runs."""

    row: str
    runs: tuple[str, ...]
    values: dict[str, tuple[float, ...]]  # by metric, percent
    resamples: tuple[Resamples, ...]  # none of a row that reads a curve: nothing was predicted there

    def mean(self, metric: str) -> float:
        return statistics.fmean(self.values[metric])


@dataclass(frozen=True)
class Lead:
    """Difference of the best row to the next, percent, and its interval."""

    best: str
    next: str
    difference: float
    low: float
    high: float
    images: int
    resamples: int

    @property
    def holds(self) -> bool:
        return self.low > 0


def lead(metric: str, rows: Sequence[Standing], paired: bool = False) -> Lead | None:
    """None for fewer than two rows, and where one of the two best has no resamples of the metric.

    `paired`: the n-th runs of all rows trained on the same draw of the data. Raises ValueError for resamples
    of different draws, and for runs that are no pairs.
    """
    there = [row for row in rows if row.values[metric]]
    ranked = sorted(there, key=lambda row: row.mean(metric), reverse=True)[:2]
    return before(metric, ranked[0], ranked[1], paired) if len(ranked) == 2 else None


def before(metric: str, best: Standing, next_: Standing, paired: bool = False, among: int = 1) -> Lead | None:
    """How far one row is before another, which may be less than nothing. None, and raises, as `lead`.

    `among`: of how many others the other was chosen, as their best.
    """
    if not all(row.values[metric] and _drawn(row, metric) for row in (best, next_)):
        return None
    _refuse_other_draws(best, next_)
    if paired:
        _refuse_other_seeds(best, next_)
    mean = _plain_mean if paired else _drawn_mean
    spread = mean(best, metric) - mean(next_, metric)  # (B,)
    if np.isnan(spread).all():
        return None
    difference = best.mean(metric) - next_.mean(metric)
    interval = _of_pairs if paired else _of_each
    at = np.array([ENDS[0], 1 - ENDS[0] / among])
    low, high = difference + interval(spread - difference, best.values[metric], next_.values[metric], at)
    images = best.resamples[0].images
    return Lead(best.row, next_.row, difference, float(low), float(high), images, spread.size)


def _drawn(row: Standing, metric: str) -> bool:
    """Not every number is one of images."""
    return bool(row.resamples) and all(metric in one.metrics for one in row.resamples)


def _refuse_other_draws(best: Standing, next_: Standing) -> None:
    drawn = {
        one.draws: run for row in (best, next_) for run, one in zip(row.runs, row.resamples, strict=True)
    }
    if len(drawn) > 1:
        one, two, *_ = drawn.values()
        raise ValueError(
            f"{one} and {two} stand in one column, but their resamples drew different images; "
            "evaluate both again with one version of NumPy"
        )


def _of_each(away: Floats, one: Sequence[float], two: Sequence[float], at: Floats) -> Floats:
    """Ends of the interval, (2,) quantiles of (B,) draws of images and of each row's seeds by themselves."""
    parts = [_part(values) for values in (one, two) if len(values) > 1]
    ends: Floats = np.nanquantile(away, at) * _widening(float(np.nanvar(away)), parts, at)
    return ends


def _of_pairs(away: Floats, one: Sequence[float], two: Sequence[float], at: Floats) -> Floats:
    """The same of draws of images alone, and of seeds that are pairs."""
    ends: Floats = np.nanquantile(away, at)
    if len(one) > 1:
        variance, freedom = _part([this - that for this, that in zip(one, two, strict=True)])
        ends = np.array([-1, 1]) * np.hypot(ends, stdtrit(freedom, at) * variance**0.5)
    return ends


def _refuse_other_seeds(best: Standing, next_: Standing) -> None:
    seeds = [[run.rsplit("/", 1)[-1] for run in row.runs] for row in (best, next_)]
    if seeds[0] != seeds[1]:
        raise ValueError(
            f"{best.row} has {', '.join(seeds[0])}, {next_.row} {', '.join(seeds[1])}, but their column says "
            "that seeds are pairs, each with labels of its own; make those that are missing, or plan it again"
        )


def _plain_mean(row: Standing, metric: str) -> Floats:
    """(B,): the mean over seeds, on drawn images."""
    mean: Floats = np.mean([one.metrics[metric] for one in row.resamples], axis=0)
    return mean


def _drawn_mean(row: Standing, metric: str) -> Floats:
    """(B,): the mean over drawn seeds, on drawn images; the same draws of seeds for every metric."""
    values = np.stack([one.metrics[metric] for one in row.resamples])  # (n, B)
    n, resamples = values.shape
    if n == 1:
        return np.asarray(values[0])
    rng = np.random.default_rng(list(hashlib.sha256("\n".join(row.runs).encode()).digest()))
    seeds = rng.integers(n, size=(n - 1, resamples))
    mean: Floats = np.take_along_axis(values, seeds, axis=0).mean(axis=0)
    return mean


def _part(values: Sequence[float]) -> tuple[float, int]:
    """Variance of the mean of values, two at least, and its degrees of freedom."""
    return statistics.variance(values) / len(values), len(values) - 1


def _widening(variance: float, parts: Sequence[tuple[float, int]], at: Floats) -> Floats:
    """Student's t over the normal quantile; 1 where no seed's chance is part of the variance."""
    uncertain = sum(part**2 / freedom for part, freedom in parts)
    if not uncertain:
        return np.ones_like(at)
    freedom = max(variance**2 / uncertain, 1.0)
    widening: Floats = stdtrit(freedom, at) / ndtri(at)
    return widening
