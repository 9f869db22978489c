"""The evaluation stage: a run's predictions against their index, as numbers, and as resamples."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdetr.evaluation.boxes import metrics, novel_metrics, per_class
from sdetr.evaluation.curves import Curves, curves
from sdetr.evaluation.eleven_point import eleven_point
from sdetr.evaluation.errors import errors
from sdetr.evaluation.one_shot import one_shot
from sdetr.evaluation.predictions import read_predictions
from sdetr.evaluation.resamples import write_resamples
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
    except ValueError as error:
        raise ValueError(f"cannot evaluate {predictions}: {error}") from error
    write_resamples(resamples := out.with_name(RESAMPLES), run, answers)
    result = {
        "metrics": numbers,
        "per_class": {} if run.one_shot else per_class(found),
        "images": found.images,
        "objects": found.objects,
        "detections": found.detections,
        "recipe": RECIPE,
        "inputs": {
            name: {"path": str(path), "sha256": sha256(path)}
            for name, path in (("settings", settings), ("predictions", predictions), ("test", index))
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
