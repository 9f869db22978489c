"""The frame that boxes are given in: the image as displayed, as stored, or as it was before a resize."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL.Image import Transpose

from sdetr.data.images import UPRIGHT
from sdetr.data.own.boxes import FEW, Numbers, Size, fits, numbers
from sdetr.data.own.findings import Findings
from sdetr.data.own.pictures import Seen
from sdetr.data.own.raw import Form, RawSet


class Frame(NamedTuple):
    """What the boxes of an image are laid on."""

    size: Size
    stored: bool = False
    """Turned as the file stores the image: its annotator saw no EXIF."""


def frames_of(raw: RawSet, seen: Sequence[Seen], usable: Sequence[bool], findings: Findings) -> list[Frame]:
    """Of every image; told where its annotation says a size that is not the displayed one."""
    frames = [Frame(one.size) for one in seen]
    boxes: dict[int, list[Numbers]] = defaultdict(list)
    for thing in raw.objects:
        if box := numbers(thing):
            boxes[thing.image].append(box)
    smaller: dict[int, Frame] = {}
    larger: dict[int, Frame] = {}
    for n, image in enumerate(raw.images):
        said, one = image.said_size, seen[n]
        shown, stored = _sizes(one)
        if not usable[n] or said is None or said == shown:
            continue
        code = ""
        if said == stored:
            frames[n], code = Frame(said, True), "D10"
        elif _alike(said, shown) or _alike(said, stored):
            group = smaller if said[0] * said[1] < shown[0] * shown[1] else larger
            group[n] = Frame(said, not _alike(said, shown))
        else:
            lost = min(said) > 0 and not all(fits(box, shown, raw.form) for box in boxes[n])
            code = "D45" if lost else "D09"
        if code:
            findings.add(code, image.where or image.file, "size", _told(said, one))
    for group in (smaller, larger):
        scaled = _are_of(group, {n: frames[n] for n in group}, boxes, raw.form, group is smaller)
        for n, frame in group.items():
            where = raw.images[n].where or raw.images[n].file
            findings.add("D44" if scaled else "D09", where, "size", _told(frame.size, seen[n]))
            frames[n] = frame if scaled else frames[n]
    return frames


def _are_of(
    said: Mapping[int, Frame],
    there: Mapping[int, Frame],
    boxes: Mapping[int, Sequence[Numbers]],
    form: Form,
    is_smaller: bool,
) -> bool:
    """Whether boxes are of the size that is said, not of the one that is there; of one shape are both.

    Boxes that all keep to the smaller one are of it, or else some would have left it.
    """
    inner = said if is_smaller else there
    kept = [fits(box, inner[n].size, form) for n in said for box in boxes.get(n, ())]
    return bool(kept) and (sum(kept) >= (1 - FEW) * len(kept)) == is_smaller


def as_shown(box: Numbers, frame: Frame, seen: Seen) -> Numbers:
    """x, y, width, height of a frame → of the image as displayed; bit for bit the same if that is it."""
    whole = seen.stored if frame.stored else seen.size
    if frame.size != whole:
        box = _scaled(box, frame.size, whole)
    return _turned(box, whole, UPRIGHT[seen.orientation]) if frame.stored else box


def _sizes(seen: Seen) -> tuple[Size, Size]:
    """As displayed, and as stored."""
    return seen.size, seen.stored


def _told(said: Size, seen: Seen) -> str:
    return f"{said[0]:g}x{said[1]:g}, the image has {seen.size[0]}x{seen.size[1]} (HxW)"


def _alike(said: Size, size: Size) -> bool:
    """Of one shape, but for a pixel by which each side of the smaller is rounded."""
    if min(*said, *size) <= 0:
        return False
    return abs(said[0] * size[1] - said[1] * size[0]) <= max(sum(said), sum(size))


def _scaled(box: Numbers, old: Size, new: Size) -> Numbers:
    x, y, width, height = box
    return x * new[1] / old[1], y * new[0] / old[0], width * new[1] / old[1], height * new[0] / old[0]


def _turned(box: Numbers, size: Size, turn: Transpose) -> Numbers:
    """With the image of this (H, W), by what shows it upright and exchanges its sides."""
    x, y, width, height = box
    right, below = size[1] - x - width, size[0] - y - height
    x, y = {
        Transpose.TRANSPOSE: (y, x),
        Transpose.TRANSVERSE: (below, right),
        Transpose.ROTATE_90: (y, right),
        Transpose.ROTATE_270: (below, x),
    }[turn]
    return x, y, height, width
