"""Small images cut into random segments, and panoptic quality by loops over the published definition."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdetr.evaluation.panoptic import Found
from sdetr.segments import as_png

SIZE = (12, 15)
THINGS = (True, True, False, False, True)
"""Of the classes; of the last there is never any."""


@dataclass
class Cut:
    """An image: the segment of every pixel, 0 being none, and what each segment is."""

    ids: np.ndarray
    label: dict[int, int]
    crowd: set[int]


def cut(rng: np.random.Generator, crowds: float = 0.0, void: float = 0.0, most: int = 6) -> Cut:
    """Rectangles on top of each other; ids need all three bytes."""
    ids = np.zeros(SIZE, np.int64)
    for number in rng.choice(256**3 - 1, int(rng.integers(0, most)), replace=False) + 1:
        y, x = (int(rng.integers(side)) for side in SIZE)
        ids[y : y + int(rng.integers(1, 12)), x : x + int(rng.integers(1, 12))] = number
    if void:
        ids[rng.random(SIZE) < void] = 0
    there = [int(number) for number in np.unique(ids) if number]
    label = {number: int(rng.integers(4)) for number in there}
    return Cut(ids, label, {number for number in there if rng.random() < crowds})


def changed(rng: np.random.Generator, one: Cut) -> Cut:
    """Pixels and labels of another cut, some of them other ones, no crowd."""
    ids = np.roll(one.ids, int(rng.integers(2)), axis=int(rng.integers(2)))
    wrong = rng.random(SIZE) < 0.15
    ids[wrong] = rng.choice(np.unique(ids), SIZE)[wrong]
    there = [int(number) for number in np.unique(ids) if number]
    label = {n: one.label[n] if rng.random() < 0.8 else int(rng.integers(4)) for n in there}
    return Cut(ids, label, set())


def plain(pairs: list[tuple[Cut, Cut]]) -> dict[str, float]:
    """Of pairs of a true and a found cut; sets of pixels, one segment after the other."""
    overlap, hit = dict.fromkeys(range(5), 0.0), dict.fromkeys(range(5), 0)
    invented, missed = dict.fromkeys(range(5), 0), dict.fromkeys(range(5), 0)
    for true, found in pairs:
        void = pixels(true.ids, 0)
        used: set[int] = set()
        for t, label in true.label.items():
            mine = pixels(true.ids, t)
            if t in true.crowd:
                continue
            for f, other in found.label.items():
                theirs = pixels(found.ids, f) - void
                iou = len(mine & theirs) / len(mine | theirs)
                if other == label and iou > 0.5:
                    overlap[label] += iou
                    hit[label] += 1
                    used.add(f)
                    break
            else:
                missed[label] += 1
        for f, label in found.label.items():
            if f not in used:
                excused = set(void)
                for t in true.crowd:
                    if true.label[t] == label:
                        excused |= pixels(true.ids, t)
                theirs = pixels(found.ids, f)
                invented[label] += len(theirs & excused) / len(theirs) <= 0.5
    numbers: dict[str, float] = {}
    for end, kinds in (("", (True, False)), ("-th", (True,)), ("-st", (False,))):
        there = [c for c in range(5) if THINGS[c] in kinds and hit[c] + invented[c] + missed[c]]
        for name in ("PQ", "SQ", "RQ") if there else ():
            values = []
            for c in there:
                whole = hit[c] + invented[c] / 2 + missed[c] / 2
                ratio = {"PQ": overlap[c] / whole, "RQ": hit[c] / whole}
                values.append(ratio[name] if name in ratio else overlap[c] / hit[c] if hit[c] else 0.0)
            numbers[f"{name}{end}"] = 100 * sum(values) / len(values)
    return numbers


def pixels(ids: np.ndarray, number: int) -> set[tuple[int, int]]:
    return {(int(y), int(x)) for y, x in zip(*np.nonzero(ids == number), strict=True)}


def as_found(one: Cut) -> Found:
    return Found(as_png(one.ids), tuple(one.label), tuple(one.label.values()))


def write_truth(folder: Path, cuts: dict[int, Cut]) -> Path:
    """An index, and a PNG for every image."""
    annotations = []
    for image_id, one in cuts.items():
        (folder / f"{image_id}.png").write_bytes(as_png(one.ids))
        for number, label in one.label.items():
            ys, xs = np.nonzero(one.ids == number)
            x, y = int(xs.min()), int(ys.min())
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": label,
                    "bbox": [x, y, int(xs.max()) - x, int(ys.max()) - y],
                    "area": len(xs),
                    "iscrowd": int(number in one.crowd),
                    "segment": number,
                }
            )
    rows = [
        {"id": i, "file_name": f"{i}.jpg", "height": SIZE[0], "width": SIZE[1], "segments": f"{i}.png"}
        for i in cuts
    ]
    kinds = [{"id": n, "name": f"class {n}", "isthing": int(thing)} for n, thing in enumerate(THINGS)]
    info = {"dataset": "cuts", "root": ".", "funnel": {}, "instances": "instances.json"}
    index = folder / "index.json"
    index.write_text(
        json.dumps({"info": info, "categories": kinds, "images": rows, "annotations": annotations})
    )
    return index
