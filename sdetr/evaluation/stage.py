"""The evaluation stage: a run's predictions against their index, as numbers, and as resamples."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sdetr.evaluation.boxes import metrics, novel_metrics, per_class
from sdetr.evaluation.curves import Curves, curves
from sdetr.evaluation.eleven_point import eleven_point
from sdetr.evaluation.errors import errors
from sdetr.evaluation.masks import mask_ap
from sdetr.evaluation.one_shot import one_shot
from sdetr.evaluation.panoptic import means, read_panoptic, resampled_quality, tallies
from sdetr.evaluation.panoptic_truth import panoptic_truth
from sdetr.evaluation.predictions import read_predictions
from sdetr.evaluation.resamples import OfDraws, write_resamples
from sdetr.evaluation.settings import RECIPE, RESAMPLES, EvaluateRun
from sdetr.files import sha256, write_json
from sdetr.settings_file import load

log = logging.getLogger(__name__)


def evaluate_run(settings: Path, predictions: Path, out: Path) -> None:
    """`settings` of an EvaluateRun; resamples lie beside `out`, which has their digest.

    Raises SettingsError, or ValueError when predictions do not fit.
    """
    run = load(EvaluateRun, settings)
    index = Path(run.test)
    try:
        answers = read_predictions(predictions)
        found = curves(index, answers, run.any_class)
        numbers = _numbers(run, found, answers)
        of_segments, also = _of_segments(run, answers)
    except ValueError as error:
        raise ValueError(f"cannot evaluate {predictions}: {error}") from error
    numbers |= of_segments
    write_resamples(resamples := out.with_name(RESAMPLES), run, answers, also)
    result = {
        "metrics": numbers,
        "per_class": {} if run.one_shot else per_class(found),
        "images": found.images,
        "objects": found.objects,
        "detections": found.detections,
        "recipe": RECIPE,
        "inputs": {
            name: {"path": str(path), "sha256": sha256(path)}
            for name, path in _read(run, settings, predictions, index)
        },
        "outputs": {RESAMPLES: sha256(resamples)},
    }
    write_json(out, result, indent=1)
    log.info("%s: %s", out, " ".join(f"{name} {value:.1f}" for name, value in numbers.items()))


def _numbers(run: EvaluateRun, found: Curves, answers: Mapping[str, Any]) -> dict[str, float]:
    index = Path(run.test)
    if run.one_shot:
        numbers = one_shot(index, answers, run.unseen)
        return numbers | (one_shot(index, answers, run.unseen, True) if run.eleven_point else {})
    numbers = metrics(found) | (novel_metrics(found, run.novel) if run.novel else {})
    if run.eleven_point:
        numbers |= {f"{name}-11": value for name, value in eleven_point(index, answers).items()}
    if run.matched:
        numbers |= errors(index, answers)
    return numbers


def _of_segments(run: EvaluateRun, answers: Mapping[str, Any]) -> tuple[dict[str, float], OfDraws | None]:
    """Panoptic quality, and what it is on other draws; and AP of masks, which is no mean over images."""
    if run.panoptic is None:
        return {}, None
    truth = panoptic_truth(Path(run.test))
    tallied = tallies(truth, read_panoptic(Path(run.panoptic), truth.classes))
    numbers = means(tallied.sum(axis=0), truth) | mask_ap(Path(run.test), answers)
    return numbers, partial(resampled_quality, truth, tallied)


def _read(run: EvaluateRun, settings: Path, predictions: Path, index: Path) -> list[tuple[str, Path]]:
    """Files by the slot that they are in."""
    files = [("settings", settings), ("predictions", predictions), ("test", index)]
    return files if run.panoptic is None else [*files, ("panoptic", Path(run.panoptic))]
