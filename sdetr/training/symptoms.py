"""Why a few images were not learned by heart, as far as what was measured on the way tells."""

from collections.abc import Sequence
from dataclasses import dataclass

FALLEN = 0.5
"""Share of the first loss that a last one has at most where something was learned."""
RISEN = 1.5
NAMED = 20.0
"""Percent by which AP50 without classes is better where classes are the trouble."""
SMALL_PX = 8.0
"""Side of an object below which its box is a matter of a pixel."""


@dataclass(frozen=True)
class Symptoms:
    """Of one detector on a few images."""

    losses: Sequence[float]
    """Means of the total loss between two points of evaluation, in their order."""
    ap50: float
    any_class: float
    """AP50 with classes ignored, percent, as AP50."""
    object_px: float
    """Side of the middle object, pixels of the images as the detector sees them."""


def diagnosis(seen: Symptoms, larger: str) -> str:
    """What most likely is wrong, and what to do: data, learning rate, classes or boxes.

    `larger` is where it is said how large the images are seen.
    """
    first, last, worst = seen.losses[0], seen.losses[-1], max(seen.losses)
    if worst > RISEN * first:
        return f"learning rate: the loss rose from {first:.2f} to {worst:.2f}; try a third of it"
    if seen.any_class - seen.ap50 > NAMED:
        found = f"AP50 is {seen.any_class:.0f} where classes are ignored, {seen.ap50:.0f} where they count"
        return f"classes: {found}; do labels of one thing differ, or has it two names?"
    if seen.object_px < SMALL_PX:
        found = f"the middle object is {seen.object_px:.0f} pixels wide as the detector sees it"
        return f"boxes: {found}; give it larger images: {larger}"
    if last > FALLEN * first:
        found = f"the loss went from {first:.2f} to {last:.2f} only"
        return f"learning rate: {found}; try three times of it, or more steps"
    found = "the loss falls, but boxes are not met"
    return f"data: {found}; look at images with their boxes (`sdetr data doctor`), or take more steps"
