"""Some images held out of training, where no tool has made a part for measuring."""

import hashlib
import re
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

    Pictures are drawn by their names: every machine draws the same, and few move when others are added.
    """
    sources = sorted({source(image.file) for image in raw.images}, key=_draw)
    out = set(sources[: max(1, round(share * len(sources)))])
    mine = [n for n, image in enumerate(raw.images) if (source(image.file) in out) == held]
    place = {n: k for k, n in enumerate(mine)}
    objects = [one._replace(image=place[one.image]) for one in raw.objects if one.image in place]
    missing = 0 if held else raw.missing
    return replace(raw, images=[raw.images[n] for n in mine], objects=objects, missing=missing)


def _draw(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
