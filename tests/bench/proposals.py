"""What boxes of an image cost, and what two processes win: `python tests/bench/proposals.py`.

Crops of three photographs, 500 x 375 pixels. Ours and OpenCV's own `process()` run in turn in one process and
count its CPU time, so that other load on the machine hits both; printed are medians over the images.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_sample_images

from sdetr.config.layers import Params
from sdetr.data.images import Pixels
from sdetr.proposals.choose import choose_proposer
from sdetr.proposals.settings import EdgeBoxesSettings, SelectiveSearchSettings

ROOT = Path(__file__).parents[2]
ROUNDS = 3


def main() -> None:
    cv2.setNumThreads(1)
    images = photographs()
    print("CPU milliseconds per image, one thread")
    for name, changes in (
        ("selective-search", {"rankings": 1}),
        ("selective-search", {"rankings": 10}),
        ("selective-search-native", {"rankings": 1}),
        ("selective-search-quality", {}),
    ):
        settings = SelectiveSearchSettings.model_validate(_resolved(name) | changes)
        ours, _ = choose_proposer(settings, ROOT)
        mine, theirs = _in_turn(images, partial(ours, 0), partial(process, settings))
        ratio = statistics.median(b / a for a, b in zip(mine, theirs, strict=True))
        what = f"{name}, {settings.rankings} rankings"
        print(f"{what:40} ours {_median(mine)}, process() {_median(theirs)}: {ratio:.2f} times")
    boxes, _ = choose_proposer(
        EdgeBoxesSettings.model_validate(_resolved("edgeboxes") | {"edges": "gradient"}), ROOT
    )
    (seconds,) = _in_turn(images, partial(boxes, 0))
    print(f"{'edgeboxes, image gradients':40} {_median(seconds)}")
    _processes()


def photographs() -> list[Pixels]:
    """Six crops (375, 500, 3)."""
    with get_sample_data("grace_hopper.jpg") as file:
        whole = [*load_sample_images().images, np.asarray(Image.open(file))]
    return [image[y : y + 375, x : x + 500] for image in whole for y, x in ((0, 0), (50, 12))]


def process(settings: SelectiveSearchSettings, image: Pixels) -> None:
    """OpenCV's Selective Search, once per ranking."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    side = settings.size
    search.setBaseImage(cv2.resize(image, (side, side)) if side else np.ascontiguousarray(image))
    getattr(search, f"switchToSelectiveSearch{settings.mode.title()}")()
    for _ in range(settings.rankings):
        search.process()


def _resolved(name: str) -> dict[str, object]:
    return Params(ROOT / "params").resolve("proposers", name).values


def _in_turn(images: list[Pixels], *calls: Callable[[Pixels], object]) -> list[list[float]]:
    """Of each call its seconds per image, the least of some rounds."""
    seconds = [[float("inf")] * len(images) for _ in calls]
    for _ in range(ROUNDS):
        for i, image in enumerate(images):
            for mine, call in zip(seconds, calls, strict=True):
                begin = time.process_time()
                call(image)
                mine[i] = min(mine[i], time.process_time() - begin)
    return seconds


def _median(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):5.0f}"


def _processes() -> None:
    """Wall time of two shares of work one after the other, and at once."""
    code = "import runpy; runpy.run_path('tests/bench/proposals.py')['share']()"
    words = [sys.executable, "-c", code]
    ratios = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(2):
            subprocess.run(words, check=True, cwd=ROOT)
        middle = time.perf_counter()
        for one in [subprocess.Popen(words, cwd=ROOT) for _ in range(2)]:
            assert one.wait() == 0
        ratios.append((middle - begin) / (time.perf_counter() - middle))
    print(f"two shards at once: {statistics.median(ratios):.2f} times as fast as one after the other")


def share() -> None:
    ours, _ = choose_proposer(SelectiveSearchSettings.model_validate(_resolved("selective-search")), ROOT)
    for number, image in enumerate(8 * photographs()):
        ours(number, image)


if __name__ == "__main__":
    main()
