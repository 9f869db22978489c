"""Boxes judged: by themselves, and all together for what only all of them show."""

import math
from collections.abc import Sequence

from sdetr.data.own.findings import Findings
from sdetr.data.own.raw import Form, RawObject

Numbers = tuple[float, float, float, float]
MOST = 0.5
"""Share of boxes that an image cannot hold from which all are taken to be of another form."""
FIT = 0.9
"""Share that has to fit for a guess to be told."""
SLACK_PX = 1.0


def numbers(one: RawObject) -> Numbers | None:
    """Four finite numbers, or None."""
    box = one.box
    if not isinstance(box, list | tuple) or len(box) != 4:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in box):
        return None
    x, y, z, w = map(float, box)
    return (x, y, z, w) if all(map(math.isfinite, (x, y, z, w))) else None


def other_form(
    boxes: Sequence[tuple[Numbers, tuple[int, int]]], form: Form, findings: Findings, where: str
) -> bool:
    """Whether boxes, with the (H, W) of their images, are of another form or unit; told with the guess."""
    if not boxes:
        return False
    if form == "centre":
        large = sum(max(box) > 1 + 1e-3 for box, _ in boxes) / len(boxes)
        if large >= FIT:
            findings.add(
                "D05", where, "boxes", f"{_percent(large)} are larger than 1: pixels, not fractions?"
            )
        return large >= FIT
    small = sum(min(box) >= 0 and max(box) <= 1 for box, _ in boxes) / len(boxes)
    if small >= FIT:
        findings.add("D05", where, "boxes", f"{_percent(small)} lie between 0 and 1: fractions, not pixels?")
        return True
    beyond = sum(not _fits(box, size, form) for box, size in boxes) / len(boxes)
    if beyond <= MOST:
        return False
    other: Form = "xyxy" if form == "xywh" else "xywh"
    fit = sum(_fits(box, size, other) for box, size in boxes) / len(boxes)
    guess = f"{_percent(fit)} fit if read as {other}" if fit >= FIT else "no other form fits"
    findings.add("D04", where, "boxes", f"{_percent(beyond)} do not fit into their images as {form}; {guess}")
    return True


def corner_and_size(box: Numbers, form: Form, size: tuple[int, int]) -> Numbers:
    """x, y, width, height in pixels, of an image of this (H, W)."""
    height, width = size
    x, y, a, b = box
    match form:
        case "xywh":
            return box
        case "xyxy":
            return x, y, a - x, b - y
        case "centre":
            return (x - a / 2) * width, (y - b / 2) * height, a * width, b * height


def inside(box: Numbers, size: tuple[int, int]) -> Numbers:
    """The part of x, y, width, height that an image of this (H, W) has; bit for bit the box if it is all."""
    x, y, width, height = box
    x0, y0 = max(x, 0.0), max(y, 0.0)
    x1, y1 = min(x + width, float(size[1])), min(y + height, float(size[0]))
    return box if (x0, y0, x1, y1) == (x, y, x + width, y + height) else (x0, y0, x1 - x0, y1 - y0)


def _fits(box: Numbers, size: tuple[int, int], form: Form) -> bool:
    x, y, width, height = corner_and_size(box, form, size)
    return (
        min(width, height) >= 0
        and min(x, y) >= -SLACK_PX
        and x + width <= size[1] + SLACK_PX
        and y + height <= size[0] + SLACK_PX
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
