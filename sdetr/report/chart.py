"""One curve as a small drawing: SVG that takes its colours from the page, light, dark or printed.

Drawn by hand: matplotlib would cost every page a second of start-up, and knows one background.
"""

import math
from collections.abc import Sequence

from sdetr.report.markup import Markup, tag
from sdetr.report.words import number

Point = tuple[float, float]

WIDTH, HEIGHT = 320, 160
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 22
MOST = 400
"""Points drawn; of more, the lowest and the highest of each stretch."""


def curve(name: str, points: Sequence[Point], unit: str = "step") -> Markup:
    """Values over steps, with zero in sight; a single point is a dot. Raises ValueError for no points."""
    if not points:
        raise ValueError(f"curve {name}: no points; leave it out")
    ends = [f"{number(y)} at {unit} {x:g}" for x, y in (points[0], points[-1])]
    words = f"{name}: {ends[0]}" if len(points) == 1 else f"{name}: from {ends[0]} to {ends[1]}"
    right = max(x for x, _ in points) or 1.0
    x_ticks = [tick for tick in _ticks(0.0, right) if tick <= right * (1 + 1e-9)]
    y_ticks = _ticks(min(0.0, *(y for _, y in points)), max(0.0, *(y for _, y in points)))
    place = _Place(right, y_ticks)
    drawn = [place(point) for point in _thinned(points)]
    line = tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in drawn), class_="line")
    end = tag("circle", cx=f"{drawn[-1][0]:.1f}", cy=f"{drawn[-1][1]:.1f}", r=3, class_="end")
    axes = [_x_tick(place, x, unit) for x in x_ticks] + [_y_tick(place, y) for y in y_ticks]
    title = tag("title", words)
    return tag("svg", title, *axes, line, end, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=words)


class _Place:
    """Values → where they are drawn."""

    def __init__(self, right: float, y_ticks: Sequence[float]):
        self.right, self.low, self.high = right, y_ticks[0], y_ticks[-1]

    def __call__(self, point: Point) -> Point:
        x, y = point[0] / self.right, (point[1] - self.low) / (self.high - self.low)
        return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that hold everything between them."""
    if low == high:
        low, high = min(low, 0.0), max(high, 1.0)
    rough = (high - low) / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * n for n in range(first, last + 1)]


def _x_tick(place: _Place, x: float, unit: str) -> Markup:
    at, _ = place((x, 0.0))
    words = f"{unit} {x:g}" if x == 0 else f"{x:g}"
    anchor = "end" if x > 0.95 * place.right else "middle"
    return tag("text", words, x=f"{at:.1f}", y=HEIGHT - 6, text_anchor=anchor)


def _y_tick(place: _Place, y: float) -> Markup:
    _, at = place((0.0, y))
    rule = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{at:.1f}", y2=f"{at:.1f}")
    return tag("g", rule, tag("text", number(y), x=LEFT - 5, y=f"{at + 4:.1f}", text_anchor="end"))


def _thinned(points: Sequence[Point]) -> list[Point]:
    if len(points) <= MOST:
        return list(points)
    size = -(-len(points) * 2 // MOST)
    stretches = [points[start : start + size] for start in range(0, len(points), size)]
    ends = [sorted({min(part, key=_value), max(part, key=_value)}) for part in stretches]
    return [point for part in ends for point in part] + [points[-1]]


def _value(point: Point) -> float:
    return point[1]
