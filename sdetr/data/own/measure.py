"""How many objects images have, how large they are, and of what shape: what a study is sized by."""

from collections import Counter
from dataclasses import replace
from statistics import median, quantiles

from sdetr.data.own.boxes import corner_and_size, numbers
from sdetr.data.own.findings import Findings
from sdetr.data.own.frames import frames_of
from sdetr.data.own.pictures import Seen, look
from sdetr.data.own.raw import RawSet
from sdetr.data.own.settings import OwnSettings


def learned(raw: RawSet, own: OwnSettings) -> RawSet:
    """Without objects that nobody learns: crowds, and those of classes that are dropped."""
    kept = [one for one in raw.objects if own.merge.get(one.label, one.label) not in own.drop]
    return replace(raw, objects=[one for one in kept if not one.crowd])


def images_used(raw: RawSet, own: OwnSettings) -> int:
    """Those that no annotation speaks of may be left out."""
    alone = own.format == "folder" or own.unlabelled == "negative"
    return sum(alone or bool(one.where) for one in raw.images)


def images_with_objects(raw: RawSet, more_than: int = 0) -> int:
    """Of an image each more than so many."""
    return sum(count > more_than for count in Counter(one.image for one in raw.objects).values())


def objects_of_an_image(raw: RawSet) -> int:
    """So many that one image in a hundred has more."""
    counts = [*Counter(one.image for one in raw.objects).values()]
    return round(quantiles(counts, n=100, method="inclusive")[-1]) if len(counts) > 1 else counts[0]


def object_side_and_ratio(raw: RawSet, looked_at: int) -> tuple[float, float]:
    """Of the middle object: the root of its area, as a share of its image's shorter side. Of the middle image
    with objects: its longest side over the shorter.
    """
    labelled = sorted({one.image for one in raw.objects})
    chosen = set(labelled[:: max(1, len(labelled) // looked_at)])
    seen = [look(raw.root / one.file, True) if n in chosen else Seen() for n, one in enumerate(raw.images)]
    usable = [n in chosen and not one.trouble for n, one in enumerate(seen)]
    frames = frames_of(raw, seen, usable, Findings())  # told by `sdetr data doctor`
    ratios = [max(frames[n].size) / min(frames[n].size) for n in chosen if usable[n]]
    sides = []
    for one in raw.objects:
        box = numbers(one)
        if box and usable[one.image]:
            size = frames[one.image].size
            _, _, width, height = corner_and_size(box, raw.form, size)
            sides.append((max(width, 0) * max(height, 0)) ** 0.5 / min(size))
    return median(sides) if sides else 1.0, median(ratios) if ratios else 1.0
