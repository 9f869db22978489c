"""The evaluation stage: a run's predictions against their index, as one small file of numbers."""

import logging
from pathlib import Path

import yaml

from sdetr.config.base import SettingsError
from sdetr.evaluation.boxes import metrics, per_class
from sdetr.evaluation.curves import curves
from sdetr.evaluation.predictions import read_predictions
from sdetr.evaluation.settings import RECIPE
from sdetr.files import sha256, write_json

log = logging.getLogger(__name__)


def evaluate_run(settings: Path, predictions: Path, out: Path) -> None:
    """`settings`, a run's YAML, names the index as `test`. Raises ValueError when predictions do not fit."""
    said = yaml.safe_load(settings.read_text(encoding="utf-8"))
    if not isinstance(said, dict) or not isinstance(said.get("test"), str):
        raise SettingsError(f"{settings}: test: missing; expected the path of the index to evaluate on")
    index = Path(said["test"])
    try:
        found = curves(index, read_predictions(predictions))
    except ValueError as error:
        raise ValueError(f"cannot evaluate {predictions}: {error}") from error
    numbers = metrics(found)
    result = {
        "metrics": numbers,
        "per_class": per_class(found),
        "images": found.images,
        "objects": found.objects,
        "detections": found.detections,
        "recipe": RECIPE,
        "inputs": {
            name: {"path": str(path), "sha256": sha256(path)}
            for name, path in (("settings", settings), ("predictions", predictions), ("test", index))
        },
    }
    write_json(out, result, indent=1)
    log.info("%s: %s", out, " ".join(f"{name} {value:.1f}" for name, value in numbers.items()))
