"""The numbers of test sets drawn anew from the images of one: the bootstrap over images.

An image that is drawn k times counts k times, exactly as if it were there k times under other names. Every
run on the same test set sees the same draws, so that differences of runs are paired.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.eleven_point import RECALLS as TENTHS
from sdetr.evaluation.matches import KEPT, Matches

RECALLS = np.linspace(0, 1, 101)
"""Where COCO asks for precision; Pascal VOC 2007 asked at `eleven_point.RECALLS`."""
ENDS = (0.025, 0.975)
"""Of an interval of 95 %."""
SEED = 0
AT_ONCE = 2_000_000
"""Numbers in a working array; more would leave the processor's cache."""

Counts = NDArray[np.int64]
Percents = NDArray[np.float64]


def draws(images: int, resamples: int) -> Counts:
    """(images, resamples): how often each resample has each image; every column sums to `images`."""
    rng = np.random.default_rng(SEED)
    counts = np.empty((images, resamples), np.int64)
    for n in range(resamples):
        counts[:, n] = np.bincount(rng.integers(images, size=images), minlength=images)
    return counts


def resampled(matches: Matches, counts: Counts, among: Sequence[int] | None = None) -> dict[str, Percents]:
    """(I, B) counts of images → every number of `boxes.metrics`, (B,) in percent; of some labels, or of all.

    NaN where no drawn image has an object that the number asks for.
    """
    labels = np.unique(matches.object_label)
    if among is not None:
        labels = np.intersect1d(labels, among)
    if not labels.size:
        return {}
    precisions = _mean([_precisions(matches, label, counts, RECALLS) for label in labels])  # (A, T, B)
    recalls = _mean([_recalls(matches, label, counts) for label in labels])  # (3, B)
    found = {"AP": precisions[0].mean(axis=0), "AP50": precisions[0, 0], "AP75": precisions[0, 5]}
    areas = ("APs", "APm", "APl")
    found |= {name: of_area.mean(axis=0) for name, of_area in zip(areas, precisions[1:], strict=True)}
    return found | dict(zip(("AR1", "AR10", "AR100"), recalls, strict=True))


def eleven_point_resampled(matches: Matches, counts: Counts) -> dict[str, Percents]:
    """The same of `eleven_point`, for its matches."""
    labels = np.unique(matches.object_label)
    if not labels.size:
        return {}
    (precisions,) = _mean([_precisions(matches, label, counts, TENTHS) for label in labels])  # (T, B)
    return {"AP": precisions.mean(axis=0), "AP50": precisions[0], "AP75": precisions[5]}


def resampled_of_classes(
    matches: Matches, counts: Counts, recalls: NDArray[np.float64] = RECALLS
) -> dict[int, Percents]:
    """Label of each class that has an object → AP at the least overlap, of objects of any area, (B,).

    In fractions of 1; NaN where no drawn image has such an object. `recalls`: at which precision is asked.
    """
    least = replace(
        matches,
        inside=matches.inside[:1],
        hit=matches.hit[:1, :1],
        ignored=matches.ignored[:1, :1],
        counted=matches.counted[:1],
    )
    labels = np.unique(matches.object_label[matches.counted[0]]).tolist()
    return {label: _precisions(least, label, counts, recalls)[0, 0] for label in labels}


def _precisions(matches: Matches, label: int, counts: Counts, recalls: NDArray[np.float64]) -> Percents:
    """Of one class: (A, T, B), means over `recalls` of the best precision from there on; NaN if no object."""
    objects = _objects(matches, label, counts)  # (A, B)
    low, high = np.searchsorted(matches.label, [label, label + 1])
    image, inside = matches.image[low:high], matches.inside[:, low:high]
    hit, ignored = matches.hit[:, :, low:high], matches.ignored[:, :, low:high]
    found = np.zeros((*hit.shape[:2], counts.shape[1]))
    for part in _parts(counts.shape[1], image.size):
        drawn = counts[:, part][image]  # (n, b)
        for area in range(len(hit)):
            all_inside = np.cumsum(drawn * inside[area][:, None], axis=0)
            for least in range(hit.shape[1]):
                hits = hit[area, least]
                at = np.flatnonzero(hits | ignored[area, least])
                right = np.cumsum(drawn[at] * hits[at][:, None], axis=0)
                # Mistakes are few sums away: all that could be one, without those that are none.
                wrong = all_inside[at] - np.cumsum(drawn[at] * inside[area][at][:, None], axis=0)
                found[area, least, part] = _area(right, wrong, objects[area, part], recalls)
    return np.where(objects[:, None] > 0, found, np.nan)


def _area(right: Counts, wrong: Counts, objects: Counts, recalls: NDArray[np.float64]) -> Percents:
    """(n, b) found objects and mistakes so far, (b,) objects → (b,)."""
    if not len(right):
        return np.zeros(len(objects))
    precision = right / np.maximum(right + wrong, 1)
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    reached = np.searchsorted(recalls, right / np.maximum(objects, 1), side="right")
    area: Percents = (best * np.diff(reached, axis=0, prepend=0)).sum(axis=0) / recalls.size
    return area


def _recalls(matches: Matches, label: int, counts: Counts) -> Percents:
    """Of one class: (3, B), found among the best 1, 10 and 100 answers per image, mean over overlaps."""
    objects = _objects(matches, label, counts)[0]
    low, high = np.searchsorted(matches.label, [label, label + 1])
    image, place = matches.image[low:high], matches.place[low:high]
    hits = matches.hit[0, :, low:high].sum(axis=0)
    found = np.zeros((3, counts.shape[1]))
    for n, kept in enumerate((1, 10, KEPT)):
        of_image = np.bincount(image, hits * (place < kept), minlength=matches.images)
        some = np.flatnonzero(of_image)
        found[n] = of_image[some] @ counts[some] / len(matches.hit[0])
    recall: Percents = np.divide(found, objects, out=np.full_like(found, np.nan), where=objects > 0)
    return recall


def _objects(matches: Matches, label: int, counts: Counts) -> Counts:
    """(A, B): objects of a class that count, as often as their images do."""
    of = matches.object_label == label
    image = matches.object_image[of]
    return np.stack([counts[image[counted]].sum(axis=0) for counted in matches.counted[:, of]])


def _parts(resamples: int, answers: int) -> Iterator[slice]:
    width = max(AT_ONCE // max(answers, 1), 1)
    return (slice(start, start + width) for start in range(0, resamples, width))


def _mean(of_classes: list[Percents]) -> Percents:
    """Percent, of the classes that have an object; NaN where none has."""
    values = np.stack(of_classes)
    there = ~np.isnan(values)
    total, classes = np.where(there, values, 0).sum(axis=0), there.sum(axis=0)
    mean: Percents = np.divide(100 * total, classes, out=np.full(total.shape, np.nan), where=classes > 0)
    return mean
