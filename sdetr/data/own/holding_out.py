"""Some images held out of training, where no tool has made a part for measuring."""

import hashlib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from sdetr.data.own.raw import RawSet

COPY = re.compile(r"\.rf\.[0-9a-f]{8,}$")
"""What Roboflow appends to the name of each augmented copy of a picture."""


def source(file: str) -> str:
    """What copies of one picture are called alike."""
    return COPY.sub("", Path(file).stem)


def side(raw: RawSet, share: float, held: bool) -> RawSet:
    """One of the two sides: a share of the pictures, one at least, or the rest; copies of one are together.

    Pictures are drawn by their names: every machine draws the same, and few move when others are added. The
    last picture of a class is never held out: what training does not show cannot be measured.
    """
    out = _held_out(raw, share)
    mine = [n for n, image in enumerate(raw.images) if (source(image.file) in out) == held]
    place = {n: k for k, n in enumerate(mine)}
    objects = [one._replace(image=place[one.image]) for one in raw.objects if one.image in place]
    missing = 0 if held else raw.missing
    return replace(raw, images=[raw.images[n] for n in mine], objects=objects, missing=missing)


def _held_out(raw: RawSet, share: float) -> set[str]:
    """Pictures; fewer than the share where too many are the last of a class."""
    classes: dict[str, set[str]] = {source(image.file): set() for image in raw.images}
    for one in raw.objects:
        classes[source(raw.images[one.image].file)].add(one.label)
    left = Counter(label for labels in classes.values() for label in labels)
    out: set[str] = set()
    for name in sorted(classes, key=_draw):
        if len(out) >= max(1, round(share * len(classes))):
            break
        if all(left[label] > 1 for label in classes[name]):
            out.add(name)
            left.subtract(classes[name])
    return out


def _draw(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
