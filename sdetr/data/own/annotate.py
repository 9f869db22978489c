"""Boxes of annotation files become annotations of an index: each judged, mended or left out."""

from collections.abc import Mapping, Sequence

from sdetr.data.index import Annotation
from sdetr.data.own.boxes import Numbers, corner_and_size, inside, numbers, other_form
from sdetr.data.own.findings import Findings
from sdetr.data.own.frames import Frame, as_shown
from sdetr.data.own.pictures import Seen
from sdetr.data.own.raw import RawObject, RawSet
from sdetr.data.own.settings import OwnSettings

LOST = ("D01", "D02", "D43")
"""Of boxes that are left out."""
ROUNDED_PX = 1e-6
"""By which computing a box may put it over the border."""


def annotate(
    raw: RawSet,
    seen: Sequence[Seen],
    frames: Sequence[Frame],
    numbered: Mapping[int, int],
    classes: Sequence[str],
    settings: OwnSettings,
    findings: Findings,
) -> list[Annotation]:
    """Of images that are used: place in the list → id. Empty if all boxes are of another form."""
    labels = {name: n for n, name in enumerate(classes)}
    there: list[tuple[RawObject, Numbers]] = []
    for one in raw.objects:
        box = numbers(one)
        if box is None:
            findings.add("D06", one.where, "bbox", repr(one.box))
        elif one.image in numbered:
            there.append((one, box))
    whole = settings.annotations or "."
    if other_form([(box, frames[one.image].size) for one, box in there], raw.form, findings, whole):
        return []
    kept: dict[Annotation, None] = {}
    for one, box in there:
        label = settings.merge.get(one.label, one.label)
        if label in settings.drop:
            continue
        if label not in labels:
            findings.add("D20", one.where, "class", repr(label))
            continue
        frame, image = frames[one.image], seen[one.image]
        said = corner_and_size(box, raw.form, frame.size)
        shown = as_shown(said, frame, image)
        cut = _judged(one, shown, image.size, findings)
        if cut is None:
            continue
        area = cut[2] * cut[3]
        if isinstance(one.area, int | float) and one.area > 0:
            # It is given in the frame of the box, and grows with it.
            area = one.area * ((shown[2] * shown[3]) / (said[2] * said[3]))
        annotation = Annotation(
            numbered[one.image], labels[label], cut, float(area), one.crowd, one.difficult
        )
        if annotation in kept:
            findings.add("D22", one.where, "bbox", one.box)
        kept[annotation] = None
    return list(kept)


def _judged(one: RawObject, box: Numbers, size: tuple[int, int], findings: Findings) -> Numbers | None:
    """What its image holds of x, y, width, height; None if it is left out."""
    if min(box[2:]) < 0:
        findings.add("D02", one.where, "bbox", one.box)
        return None
    if min(box[2:]) == 0:
        findings.add("D01", one.where, "bbox", one.box)
        return None
    cut = inside(box, size)
    if min(cut[2:]) <= 0:
        findings.add("D43", one.where, "bbox", one.box)
        return None
    if max(abs(a - b) for a, b in zip(cut, box, strict=True)) > ROUNDED_PX:
        findings.add("D03", one.where, "bbox", one.box)
    if one.crowd or one.difficult:
        findings.add("D23", one.where, "", "crowd" if one.crowd else "difficult")
    return cut
