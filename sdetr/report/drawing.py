"""Figures in one style: lines differ by dash and mark as well as by colour, so that greyscale tells them."""

import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from sdetr.report.lines import LOSS, Line, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "sdetr",
}
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
"""Okabe and Ito's, which people who see few colours can tell apart, dark to light."""
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
MARKS = ("o", "s", "^", "D", "v", "P")
MARKED = 25
"""Points of a line of which each has its mark; of more only some have."""
WIDTH_IN, HEIGHT_IN, DPI = 3.4, 2.7, 160
SIDE_BY_SIDE, LETTERS_AN_INCH = 3, 13
KNOWN = ("from scratch", "UP-DETR", "DETReg", "Siamese DETR")
"""Labels that look the same in every figure."""


def draw(title: str, note: str, panels: Mapping[str, Panel], x: str, log: bool) -> "Figure":
    """Published numbers are large hollow marks, where no `note` says that they do not belong beside ours."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        columns = 2 if len(panels) == 4 else min(SIDE_BY_SIDE, len(panels))
        rows = -(-len(panels) // columns)
        figure = Figure((WIDTH_IN * columns, HEIGHT_IN * rows + 0.4), layout="constrained")
        told = [wrap(text, int(WIDTH_IN * columns * LETTERS_AN_INCH)) for text in (title, note)]
        figure.suptitle("\n".join(line for lines in told for line in lines), fontsize=10)
        grid = list(figure.subplots(rows, columns, squeeze=False).flat)
        looks = _looks(panels.values())
        for axes, panel in zip(grid, panels.values(), strict=False):
            _panel(axes, panel, looks, compares=not note)
            axes.set_xlabel(x)
            if log:
                _log(axes, sorted({point.x for line in panel.lines.values() for point in line.points}))
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        return figure


def _log(axes: "Axes", at: Sequence[float]) -> None:
    """Marked where something was measured: 5, 10, 100 instead of powers of ten."""
    axes.set_xscale("log")
    axes.set_xticks(at, [f"{x:g}" for x in at])
    axes.set_xticks([], minor=True)


def written(figure: "Figure", kind: str) -> bytes:
    """The same bytes for the same figure."""
    from matplotlib import rc_context

    file = io.BytesIO()
    with rc_context(STYLE):
        metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(file, format=kind, dpi=DPI, metadata=metadata)
    return file.getvalue()


def words(panels: Mapping[str, Panel]) -> str:
    """What a figure shows, for those who do not see it."""
    return " ".join(f"{panel.label}, {_named(panel)}: {_ends(panel)}." for panel in panels.values())


def _named(panel: Panel) -> str:
    return "loss" if panel.metric == LOSS else f"{panel.metric}, percent"


def _ends(panel: Panel) -> str:
    """How every line begins and ends."""
    told = []
    for line in panel.lines.values():
        first, last = line.points[0], line.points[-1]
        there = f"{last.y.mean:.3g} at {last.x:g}"
        told.append(
            f"{line.label} "
            + (there if first is last else f"from {first.y.mean:.3g} at {first.x:g} to {there}")
        )
    return "; ".join(told)


def _looks(panels: Iterable[Panel]) -> dict[str, dict[str, object]]:
    """A label looks the same in every panel, a known one in every figure, and no two alike."""
    here = dict.fromkeys(line.label for panel in panels for line in panel.lines.values())
    known = {label: n for n, label in enumerate(KNOWN) if label in here}
    free = (n for n in count() if n not in known.values())
    return {label: _look(known[label] if label in known else next(free)) for label in here}


def _look(n: int) -> dict[str, object]:
    """Of six colours and six dashes; each further round pairs them anew."""
    turned = (n + n // len(COLOURS)) % len(DASHES)
    return {"color": COLOURS[n % len(COLOURS)], "linestyle": DASHES[turned], "marker": MARKS[turned]}


def _panel(axes: "Axes", panel: Panel, looks: Mapping[str, Mapping[str, object]], compares: bool) -> None:
    axes.set_title(panel.label, fontsize=9)
    axes.set_ylabel(panel.metric if panel.metric == LOSS else f"{panel.metric} (%)")
    for line in panel.lines.values():
        _line(axes, line, looks[line.label], compares)
    axes.legend(fontsize=7)


def _line(axes: "Axes", line: Line, look: Mapping[str, object], compares: bool) -> None:
    x, y = [point.x for point in line.points], [point.y.mean for point in line.points]
    every = max(1, len(x) // MARKED)
    axes.plot(x, y, label=line.label, markersize=3, linewidth=1.2, markevery=every, **look)  # type: ignore[arg-type]
    if any(point.y.std is not None for point in line.points):
        spread = [point.y.std or 0.0 for point in line.points]
        low, high = ([a + sign * b for a, b in zip(y, spread, strict=True)] for sign in (-1, 1))
        axes.fill_between(x, low, high, color=str(look["color"]), alpha=0.15, linewidth=0)
    published = [(point.x, point.paper) for point in line.points if point.paper is not None]
    if compares and published:
        bare = {**look, "linestyle": "", "markersize": 7, "markerfacecolor": "none"}
        axes.plot(*zip(*published, strict=True), label=f"{line.label}, published", **bare)  # type: ignore[arg-type]
