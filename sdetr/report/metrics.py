"""How metrics are written: most are percent with one decimal."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """One metric, for people."""

    decimals: int = 1
    meaning: str = ""
    """What is said of it below a table; empty for what every paper prints, in percent."""


READINGS = {
    "class-error": Reading(2, "class-error: percent of the queries that answer for an object and misname it"),
    "box-error": Reading(
        3, "box-error: what such a box is off in x, y, width and height, shares of the image"
    ),
    "memory-mb": Reading(0, "memory-mb: most that was allocated on the GPU at once, MB of 2²⁰ bytes"),
    "step-s": Reading(4, "step-s: median seconds of a step, loading included"),
}
"""Those that are not like all others."""


def reading(metric: str) -> Reading:
    return READINGS.get(metric, Reading())
