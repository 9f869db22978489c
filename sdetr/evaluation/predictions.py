"""The file of predictions: columns, one row per detection, and the classes that their labels number.

`{"dataset", "classes": [names], "image_id": [N], "label": [N], "box_xywh_px": [N][4], "score": [N]}`;
labels count from 0, boxes are (left, top, width, height) in pixels of the original image. `matched`, if it is
there, has columns of its own, one row per query that answers for an object (`matched.py`); `mask`, if it is
there, has COCO's compressed runs of every detection (`masks.py`). Predictions of one-shot detection have
"pass": [N], and "label" is the class that was asked for (`passes.py`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdetr.evaluation.columns import KEYS, columns
from sdetr.evaluation.masks import MASK, mask_column
from sdetr.evaluation.matched import KEYS as PAIR_KEYS
from sdetr.evaluation.matched import MATCHED, pair_columns
from sdetr.evaluation.passes import PASS, pass_column
from sdetr.files import write_json


def read_predictions(path: Path) -> dict[str, Any]:
    """What `write_predictions` wrote. Raises ValueError when the file is no JSON object."""
    try:
        predictions = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}; write the predictions again") from error
    if not isinstance(predictions, dict):
        found = type(predictions).__name__
        raise ValueError(f"{path} holds a {found}, expected an object with {', '.join(KEYS)}")
    return predictions


def write_predictions(path: Path, predictions: Mapping[str, Any]) -> None:
    """Checks lists or arrays, then writes all or nothing; every digit is kept, so both score the same."""
    checked = columns(predictions, str(path))
    lists = {key: getattr(checked, key).tolist() for key in KEYS[2:]}
    if MATCHED in predictions:
        pairs = pair_columns(predictions, len(checked.classes), str(path))
        lists[MATCHED] = {key: getattr(pairs, key).tolist() for key in PAIR_KEYS}
    if PASS in predictions:
        lists[PASS] = pass_column(predictions, checked, str(path)).tolist()
    if MASK in predictions:
        lists[MASK] = mask_column(predictions, len(checked.score), str(path))
    write_json(path, {"dataset": checked.dataset, "classes": list(checked.classes), **lists})
