"""What boxes of an image cost beside OpenCV's own calls, and what a second process wins.

Crops of three photographs, 500 x 375 pixels.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_sample_images

from sdetr.config.layers import Params
from sdetr.data.images import Pixels
from sdetr.proposals.edgeboxes import EdgeBoxes
from sdetr.proposals.selective_search import SelectiveSearch
from sdetr.proposals.settings import EdgeBoxesSettings, SelectiveSearchSettings
from tests.bench.harness import Row, in_turn, main, timed

ROOT = Path(__file__).parents[2]
ROUNDS = 3
SEARCHES = (
    ("selective-search", {"rankings": 1}),
    ("selective-search", {"rankings": 10}),
    ("selective-search-native", {"rankings": 1}),
    ("selective-search-quality", {}),
)


def rows() -> Iterator[Row]:
    cv2.setNumThreads(1)
    images = photographs()
    seconds = in_turn(partial(shards, at_once=True), partial(shards, at_once=False), 2, time.perf_counter)
    yield timed("two shards of proposals at once (clock)", "one after the other", seconds, at_least=1.5)
    for name, changes in SEARCHES:
        settings = SelectiveSearchSettings.model_validate(_resolved(name) | changes)
        few = images if settings.size and settings.mode == "fast" else images[::3]
        ours, theirs = partial(SelectiveSearch(settings), 0), partial(process, settings)
        assert all(same_boxes(settings, image) for image in few[:2])
        seconds = in_turn(partial(_each, ours, few), partial(_each, theirs, few), ROUNDS)
        what = f"boxes of {len(few)} images: {name}, rankings: {settings.rankings}"
        yield timed(what, "OpenCV's process()", seconds, note="same boxes")
    settings = EdgeBoxesSettings.model_validate(_resolved("edgeboxes") | {"edges": "gradient"})
    boxes = EdgeBoxes(settings, ROOT)
    few = images[::3]
    ready = [boxes._edges(image) for image in few]
    assert all(len(windows(boxes, edges)) == len(boxes(0, x)[0]) for edges, x in zip(ready, few, strict=True))
    ours, theirs = partial(boxes, 0), partial(windows, boxes)
    seconds = in_turn(partial(_each, ours, few), partial(_each, theirs, ready), ROUNDS)
    what = f"boxes of {len(few)} images: edgeboxes with their edges (gradient)"
    yield timed(what, "OpenCV's getBoundingBoxes alone", seconds, note="same boxes")


def photographs() -> list[Pixels]:
    """Six crops (375, 500, 3)."""
    with get_sample_data("grace_hopper.jpg") as file:
        whole = [*load_sample_images().images, np.asarray(Image.open(file))]
    return [image[y : y + 375, x : x + 500] for image in whole for y, x in ((0, 0), (50, 12))]


def process(settings: SelectiveSearchSettings, image: Pixels) -> np.ndarray:
    """OpenCV's Selective Search, once per ranking; its boxes (N, 4) xywh, in pixels of what it looks at."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    image = np.ascontiguousarray(image if settings.colours == "rgb" else image[..., ::-1])
    search.setBaseImage(cv2.resize(image, (settings.size, settings.size)) if settings.size else image)
    getattr(search, f"switchToSelectiveSearch{settings.mode.title()}")()
    for _ in range(settings.rankings):
        boxes_xywh = search.process()
    return np.asarray(boxes_xywh)


def same_boxes(settings: SelectiveSearchSettings, image: Pixels) -> bool:
    """Whether ours are OpenCV's, order apart."""
    ours = SelectiveSearch(settings).regions(image).boxes_xyxy_px
    theirs = process(settings, image)
    theirs = np.concatenate([theirs[:, :2], theirs[:, :2] + theirs[:, 2:]], axis=1)
    return set(map(tuple, ours.tolist())) == set(map(tuple, theirs.tolist()))


def windows(boxes: EdgeBoxes, edges: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """OpenCV's EdgeBoxes, (N, 4) xywh, of edges that are there already."""
    return np.asarray(boxes._search().getBoundingBoxes(*edges)[0])


def shards(at_once: bool) -> None:
    """Two equal shares of Selective Search, in a process each."""
    code = "from tests.bench.proposals import share; share()"
    words = [sys.executable, "-c", code]
    if not at_once:
        for _ in range(2):
            subprocess.run(words, check=True, cwd=ROOT)
        return
    for one in [subprocess.Popen(words, cwd=ROOT) for _ in range(2)]:
        assert one.wait() == 0


def share() -> None:
    search = SelectiveSearch(SelectiveSearchSettings.model_validate(_resolved("selective-search")))
    for number, image in enumerate(4 * photographs()):
        search(number, image)


def _each(call: partial, images: list) -> None:
    for image in images:
        call(image)


def _resolved(name: str) -> dict[str, object]:
    return Params(ROOT / "params").resolve("proposers", name).values


if __name__ == "__main__":
    main(rows)
