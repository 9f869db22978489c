"""How much faster our evaluation is than pycocotools, on the same 1000 synthetic images.

Each gets answers as it takes them: ours arrays, as detectors hand them over, pycocotools a dictionary each.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sdetr.evaluation.curves import curves
from tests.bench.harness import Row, in_turn, main, timed
from tests.evaluation.conftest import judge, random_scene

SCENE = {"images": 1000, "classes": 20, "objects": 6, "answers": 100, "crowds": 0.02, "unanswered": 0.0}


def rows() -> Iterator[Row]:
    index, predictions = random_scene(0, **SCENE)
    arrays = {key: np.array(predictions[key]) for key in ("image_id", "label", "box_xywh_px", "score")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.json"
        path.write_text(json.dumps(index))
        ours = curves(path, predictions | arrays)
        precision, recall, _ = judge(index, predictions)
        assert np.array_equal(ours.precision, precision) and np.array_equal(ours.recall, recall)
        seconds = in_turn(
            lambda: curves(path, predictions | arrays),
            lambda: judge(index, predictions),
            rounds=3,
            clock=time.perf_counter,
        )
    what = f"evaluation, {len(predictions['score'])} detections of {len(index['annotations'])} objects"
    yield timed(f"{what} (clock)", "pycocotools", seconds, at_least=40, note="every number equal")


if __name__ == "__main__":
    main(rows)
