"""How much faster our evaluation is than pycocotools: `python tests/bench/evaluation.py`.

Both score the same 1000 synthetic images, in turn and in one process, so that other load on the machine hits
both; the ratio of each round is printed, and its median. Equality is checked on the way.
"""

import json
import runpy
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from sdetr.evaluation.curves import curves

ROUNDS = 3
SCENES = runpy.run_path(str(Path(__file__).parents[1] / "evaluation" / "conftest.py"))


def main() -> None:
    scene = {"images": 1000, "classes": 20, "objects": 6, "answers": 100, "crowds": 0.02, "unanswered": 0.0}
    index, predictions = SCENES["random_scene"](0, **scene)
    print(f"{len(index['annotations'])} objects, {len(predictions['score'])} detections, 20 classes")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.json"
        path.write_text(json.dumps(index))
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            ours = curves(path, predictions)
            middle = time.perf_counter()
            precision, recall, _ = SCENES["judge"](index, predictions)
            end = time.perf_counter()
            assert np.array_equal(ours.precision, precision) and np.array_equal(ours.recall, recall)
            ratios.append((end - middle) / (middle - begin))
            print(f"ours {middle - begin:.2f} s, pycocotools {end - middle:.2f} s: {ratios[-1]:.0f} times")
    print(f"median {statistics.median(ratios):.0f} times faster, every number equal")


if __name__ == "__main__":
    main()
