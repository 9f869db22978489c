"""From what a look brought to tiles, the numbers beside them, and words: one function per kind of look."""

from collections.abc import Callable, Iterator
from itertools import zip_longest

import numpy as np

from sdetr.evaluation.looked import Array, Found, Looked
from sdetr.report.tiles import Box, Strip, Tile

GAP_PX, IN_A_LINE = 4, 5
"""Of patches."""
XYZ = ("x", "y", "z")
LISTED = ("image", "what", "rank", "query", "class", "score", "x0", "y0", "x1", "y1")
"""Of every row; boxes are fractions of the image."""
Row = tuple[int | float | str, ...]
Drawn = tuple[tuple[Strip, ...], list[Row], str]


def _boxes(label: str, looked: Looked) -> Drawn:
    """As many as there are labels, so nothing is written beside them."""
    tiles = [
        Tile(found.pixels, tuple(Box(box) for box in found.boxes), f"image {number}")
        for number, found in _each(looked)
    ]
    return (Strip(label, tuple(tiles)),), _rows(looked), _counted(looked)


def _detections(label: str, looked: Looked) -> Drawn:
    tiles = []
    for number, found in _each(looked):
        boxes = [
            Box(box, int(n), f"{looked.classes[n]} {score:.2f}")
            for box, n, score in zip(found.boxes, found.labels, found.scores, strict=True)
        ]
        tiles.append(Tile(found.pixels, tuple(boxes), f"image {number}", _none_sure(looked, found)))
    return (Strip(label, tuple(tiles)),), _rows(looked), _counted(looked)


def _attention(label: str, looked: Looked) -> Drawn:
    strips = []
    for number, found in _each(looked):
        boxes = [Box(box, n, str(n + 1)) for n, box in enumerate(found.boxes)]
        tiles = [Tile(found.pixels, tuple(boxes), f"image {number}")]
        tiles += [
            Tile(found.pixels, (box,), f"box {box.look + 1}, query {query}", light=light)
            for box, query, light in zip(boxes, found.queries, found.maps, strict=True)
        ]
        strips.append(Strip(label, tuple(tiles)))
    told = [
        f"in image {number} query {query} looks most around {_brightest(light)}"
        for number, found in _each(looked)
        for query, light in zip(found.queries, found.maps, strict=True)
    ]
    return tuple(strips), _rows(looked), "; ".join([_counted(looked), *told])


def _brightest(map_: Array) -> str:
    """The place of the largest value, in fractions of the image from its upper left."""
    y, x = np.unravel_index(int(map_.argmax()), map_.shape)
    return f"({(x + 0.5) / map_.shape[1]:.2f}, {(y + 0.5) / map_.shape[0]:.2f})"


def _patches(label: str, looked: Looked) -> Drawn:
    above, below, most = [], [], max(len(found.patches) for found in looked.images)
    for number, found in _each(looked):
        boxes = [
            Box(box, int(n), f"{n + 1}: {score:.2f}")
            for box, n, score in zip(found.boxes, found.labels, found.scores, strict=True)
        ]
        above.append(Tile(found.pixels, tuple(boxes), f"image {number}", _none_sure(looked, found)))
        below.append(_mosaic(found.patches, most))
    rows = _rows(looked)
    for number, found in _each(looked):
        for n, (box, score) in enumerate(zip(found.cut, found.best, strict=True)):
            rows.append((number, "patch", n + 1, "", "", float(score), *map(float, box)))
    return (Strip(label, tuple(above)), Strip("patches", tuple(below))), rows, _counted(looked)


def _asked(label: str, looked: Looked) -> Drawn:
    """What is found has no name of its own: it is like what the crop below shows."""
    above = []
    for number, found in _each(looked):
        boxes = [Box(box, 0, f"{score:.2f}") for box, score in zip(found.boxes, found.scores, strict=True)]
        above.append(Tile(found.pixels, tuple(boxes), f"image {number}", _none_sure(looked, found)))
    below = tuple(_mosaic(found.patches, 1) for found in looked.images)
    return (Strip(label, tuple(above)), Strip("asked with", below)), _rows(looked), _counted(looked)


def _mosaic(patches: Array, most: int) -> Tile:
    """(P, s, s, 3) on white with room for `most`, each in a box of its own look."""
    side, columns = patches.shape[1], min(most, IN_A_LINE)
    step = side + GAP_PX
    height, width = (step * count - GAP_PX for count in (-(-most // columns), columns))
    image, boxes = np.full((height, width, 3), 255, np.uint8), []
    for n, patch in enumerate(patches):
        top, left = step * (n // columns), step * (n % columns)
        image[top : top + side, left : left + side] = patch
        place = np.array([left, top, left + side, top + side]) / [width, height, width, height]
        boxes.append(Box(place, n, str(n + 1) if most > 1 else ""))
    return Tile(image, tuple(boxes))


def _gradients(label: str, looked: Looked) -> Drawn:
    strips = [Strip(label, tuple(_tile(found, f"image {number}", None) for number, found in _each(looked)))]
    rows = _rows(looked)
    for n, name in enumerate(XYZ):
        strips.append(Strip(f"gradient of {name}", tuple(_tile(found, "", n) for found in looked.images)))
    for number, found in _each(looked):
        for name, norms in zip(XYZ, found.maps, strict=True):
            rows.append(
                (number, f"gradient of {name}", 1, int(found.queries[0]), "", float(norms.max()), *NONE)
            )
    told = [
        f"in image {number} the gradient of {name} is largest at {_brightest(norms)}"
        for number, found in _each(looked)
        for name, norms in zip(XYZ, found.maps, strict=True)
    ]
    return tuple(strips), rows, "; ".join([_counted(looked), *told])


NONE = ("",) * 4


def _tile(found: Found, title: str, which: int | None) -> Tile:
    heat = None if which is None else found.maps[which] / max(float(found.maps[which].max()), 1e-30)
    return Tile(found.pixels, (Box(found.boxes[0]),), title, heat=heat)


def _slots(label: str, looked: Looked) -> Drawn:
    tiles = [Tile(points=looked.slots[:, n], title=f"query {n}") for n in range(looked.slots.shape[1])]
    rows: list[Row] = [
        (number, "slot", "", n, "", "", *map(float, (x - w / 2, y - h / 2, x + w / 2, y + h / 2)))
        for number, slots in zip(looked.ids, looked.slots, strict=True)
        for n, (x, y, w, h) in enumerate(slots)
    ]
    middle = "; ".join(
        f"query {n} around ({x:.2f}, {y:.2f}), {w:.2f} wide and {h:.2f} high"
        for n, (x, y, w, h) in enumerate(looked.slots.mean(axis=0))
    )
    return (Strip(label, tuple(tiles)),), rows, f"in {len(looked.ids)} images, {middle}"


KINDS: dict[str, Callable[[str, Looked], Drawn]] = {
    "boxes": _boxes,
    "labels": _boxes,
    "detections": _detections,
    "attention": _attention,
    "patches": _patches,
    "asked": _asked,
    "gradients": _gradients,
    "slots": _slots,
}


def _each(looked: Looked) -> Iterator[tuple[int, Found]]:
    return zip(looked.ids, looked.images, strict=True)


def _rows(looked: Looked) -> list[Row]:
    """Of every box."""
    rows: list[Row] = []
    for number, found in _each(looked):
        boxes = zip_longest(found.boxes, found.scores, found.labels, found.queries)
        for n, (box, score, label, query) in enumerate(boxes):
            name = _class(looked, label)
            said = (
                "" if query is None or query < 0 else int(query),
                name,
                "" if score is None else float(score),
            )
            rows.append(
                (number, "label" if looked.kind == "labels" else "box", n + 1, *said, *map(float, box))
            )
    return rows


def _class(looked: Looked, label: int | None) -> str:
    if label is None or label < 0:
        return ""
    return f"patch {label + 1}" if looked.kind == "patches" else looked.classes[int(label)]


def _counted(looked: Looked) -> str:
    sure = f" with a score over {looked.above:g}" if looked.above else ""
    told = [
        f"image {number} has {len(found.boxes)} box{'es' * (len(found.boxes) != 1)}{sure}"
        for number, found in _each(looked)
    ]
    return ", ".join(told)


def _none_sure(looked: Looked, found: Found) -> str:
    """What is said where nothing is drawn."""
    if len(found.boxes) or not looked.above:
        return ""
    return f"none over {looked.above:g}" + (f"; the best {found.best.max():.2f}" if len(found.best) else "")
