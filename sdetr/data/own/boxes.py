"""Boxes judged: by themselves, and all together for what only all of them show."""

import math
from collections.abc import Sequence
from typing import TypeAlias

from sdetr.data.own.findings import Findings
from sdetr.data.own.raw import Form, RawObject

Numbers = tuple[float, float, float, float]
Size: TypeAlias = tuple[float, float]
"""(H, W), pixels."""
MOST = 0.5
"""Share of boxes that an image cannot hold from which all are taken to be of another form."""
FEW = 0.05
"""Share that may stick out by mistake; if more do, another form that fits is told."""
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


def other_form(boxes: Sequence[tuple[Numbers, Size]], form: Form, findings: Findings, where: str) -> bool:
    """Whether boxes, with the (H, W) of their images, are of another form or unit; told with the guess."""
    if not boxes:
        return False
    unit = _other_unit([box for box, _ in boxes], form)
    if unit:
        findings.add("D05", where, "boxes", unit)
        return True
    fit = sum(fits(box, size, form) for box, size in boxes) / len(boxes)
    if fit >= 1 - FEW:
        return False
    best, other = max(
        (sum(_holds(size, _read(box, size, form, one)) for box, size in boxes) / len(boxes), one)
        for one in {"xywh", "xyxy", "cxcywh"} - {form, "cxcywh" if form == "centre" else form}
    )
    likely = best >= FIT and best > fit
    if fit >= 1 - MOST and not likely:
        return False
    guess = f"{_percent(best)} fit if read as {other}" if likely else "no other form fits"
    findings.add(
        "D04", where, "boxes", f"{_percent(1 - fit)} do not fit into their images as {form}; {guess}"
    )
    return True


def corner_and_size(box: Numbers, form: Form, size: Size) -> Numbers:
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


def inside(box: Numbers, size: Size) -> Numbers:
    """The part of x, y, width, height that an image of this (H, W) has; bit for bit the box if it is all."""
    x, y, width, height = box
    x0, y0 = max(x, 0.0), max(y, 0.0)
    x1, y1 = min(x + width, float(size[1])), min(y + height, float(size[0]))
    return box if (x0, y0, x1, y1) == (x, y, x + width, y + height) else (x0, y0, x1 - x0, y1 - y0)


def fits(box: Numbers, size: Size, form: Form) -> bool:
    """Into an image of this (H, W), but for a pixel by which tools differ."""
    return _holds(size, corner_and_size(box, form, size))


def _holds(size: Size, box: Numbers) -> bool:
    x, y, width, height = box
    return (
        min(width, height) >= 0
        and min(x, y) >= -SLACK_PX
        and x + width <= size[1] + SLACK_PX
        and y + height <= size[0] + SLACK_PX
    )


def _read(box: Numbers, size: Size, form: Form, other: str) -> Numbers:
    """The box as if its numbers, in the unit of its form, were of another."""
    height, width = size if form == "centre" else (1.0, 1.0)
    x, y, a, b = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    return {"xywh": (x, y, a, b), "xyxy": (x, y, a - x, b - y), "cxcywh": (x - a / 2, y - b / 2, a, b)}[other]


def _other_unit(boxes: Sequence[Numbers], form: Form) -> str:
    """What nearly all show; empty if they are of their unit."""
    if form == "centre":
        large = sum(max(box) > 1 + 1e-3 for box in boxes) / len(boxes)
        return f"{_percent(large)} are larger than 1: pixels, not fractions?" if large >= FIT else ""
    small = sum(min(box) >= 0 and max(box) <= 1 for box in boxes) / len(boxes)
    return f"{_percent(small)} lie between 0 and 1: fractions, not pixels?" if small >= FIT else ""


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
