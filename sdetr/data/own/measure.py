"""How many objects images have, and how large they are: what a study is sized by."""

from collections import Counter
from statistics import median, quantiles

from sdetr.data.own.boxes import corner_and_size, numbers
from sdetr.data.own.findings import Findings
from sdetr.data.own.frames import frames_of
from sdetr.data.own.pictures import Seen, look
from sdetr.data.own.raw import RawSet


def objects_of_an_image(raw: RawSet) -> int:
    """So many that one image in a hundred has more."""
    counts = [*Counter(one.image for one in raw.objects).values()]
    return round(quantiles(counts, n=100, method="inclusive")[-1]) if len(counts) > 1 else counts[0]


def object_side(raw: RawSet, looked_at: int) -> float:
    """Of the middle object: the root of its area, as a share of its image's shorter side."""
    labelled = sorted({one.image for one in raw.objects})
    chosen = set(labelled[:: max(1, len(labelled) // looked_at)])
    seen = [look(raw.root / one.file, True) if n in chosen else Seen() for n, one in enumerate(raw.images)]
    usable = [n in chosen and not one.trouble for n, one in enumerate(seen)]
    frames = frames_of(raw, seen, usable, Findings())  # told by `sdetr data doctor`
    sides = []
    for one in raw.objects:
        box = numbers(one)
        if box and usable[one.image]:
            size = frames[one.image].size
            _, _, width, height = corner_and_size(box, raw.form, size)
            sides.append((max(width, 0) * max(height, 0)) ** 0.5 / min(size))
    return median(sides) if sides else 1.0
