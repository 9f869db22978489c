"""Tiles of pictures on a page: boxes differ by dash as well as by colour, and have a dark rim."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from sdetr.evaluation.looked import Array
from sdetr.report.drawing import STYLE
from sdetr.report.shown import Shown
from sdetr.report.tiles import Box, Strip, Tile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BRIGHT = ("#f0e442", "#56b4e9", "#e69f00", "#ffffff", "#cc79a7", "#009e73")
"""Okabe and Ito's that are seen on a dark rim, light to dark."""
DASHED = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (2.5, 2.5)), (0, (8, 3)))
WIDTHS_IN = {1: 4.0, 2: 3.2, 3: 2.6, 4: 2.2, 5: 1.9, 6: 1.7}
NARROW_IN = 1.15
"""Of a tile, where there are more of them in a line."""
LABEL_IN, TITLE_IN, LETTERS_AN_INCH = 0.3, 0.2, 13
DARK = 0.2
"""What is left of an image where nobody looks."""
POINTS = 10.0
"""Points² of a box that fills the image (DETR's figure 7)."""
ALPHA = 0.75


def draw_pictures(title: str, note: str, panels: Mapping[str, Shown]) -> "Figure":
    """A line of tiles for each strip of each panel."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        return _drawn(title, note, panels)


def _drawn(title: str, note: str, panels: Mapping[str, Shown]) -> "Figure":
    from matplotlib.figure import Figure

    strips = [strip for panel in panels.values() for strip in panel.strips]
    columns = max(len(strip.tiles) for strip in strips)
    width = WIDTHS_IN.get(columns, NARROW_IN)
    heights = [width * max(map(_aspect, strip.tiles)) + TITLE_IN for strip in strips]
    wide = LABEL_IN + width * columns
    told = [line for text in (title, note) for line in wrap(text, int(wide * LETTERS_AN_INCH))]
    figure = Figure((wide, sum(heights) + 0.2 * len(told) + 0.1), layout="constrained")
    figure.suptitle("\n".join(told), fontsize=10)
    grid = figure.subplots(len(strips), columns, squeeze=False, gridspec_kw={"height_ratios": heights})
    titles: tuple[str, ...] = ()
    for line, strip in zip(grid, strips, strict=True):
        above, titles = titles, tuple(tile.title for tile in strip.tiles)
        _strip(line, strip, titled=titles != above)
    return figure


def _aspect(tile: Tile) -> float:
    return 1.0 if tile.image is None else tile.image.shape[0] / tile.image.shape[1]


def _strip(line: Sequence["Axes"], strip: Strip, titled: bool) -> None:
    """Without titles where they are those of the line above."""
    for axes, tile in zip(line, strip.tiles, strict=False):
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(tile.title if titled else "", fontsize=7, pad=2)
        axes.grid(False)
        _image(axes, tile) if tile.image is not None else _points(axes, tile.points)
        if tile.note:
            axes.text(0.5, 0.04, tile.note, fontsize=6, ha="center", transform=axes.transAxes, bbox=PAPER)
    for axes in line[len(strip.tiles) :]:
        axes.set_visible(False)
    line[0].set_ylabel("\n".join(wrap(strip.label, 18)), fontsize=8)


PAPER: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85}


def _image(axes: "Axes", tile: Tile) -> None:
    image = tile.image
    assert image is not None
    height, width = image.shape[:2]
    over = (0.0, float(width), float(height), 0.0)
    if tile.heat is not None:
        axes.imshow(tile.heat, cmap="magma", vmin=0, vmax=1, extent=over, interpolation="none")
    else:
        axes.imshow(
            image if tile.light is None else _lit(image, tile.light), extent=over, interpolation="none"
        )
    for box in reversed(tile.boxes):  # the best on top
        _box(axes, box, width, height)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _lit(image: Array, light: Array) -> Array:
    """(h, w, 3) bytes, light (h, w) of the same size."""
    lit: Array = (image * (DARK + (1 - DARK) * light)[..., None]).astype(np.uint8)
    return lit


def _box(axes: "Axes", box: Box, width: int, height: int) -> None:
    from matplotlib.patches import Rectangle

    x0, y0, x1, y1 = (float(value) for value in box.xyxy * [width, height, width, height])
    colour = BRIGHT[box.look % len(BRIGHT)]
    dash = DASHED[(box.look + box.look // len(BRIGHT)) % len(DASHED)]  # seven pairs are no pair of the six
    for line, one, style in (("black", 2.6, "-"), (colour, 1.3, dash)):
        place = (x0, y0), x1 - x0, y1 - y0
        axes.add_patch(Rectangle(*place, fill=False, edgecolor=line, linewidth=one, linestyle=style))
    if box.words:
        under = {"facecolor": colour, "edgecolor": "black", "linewidth": 0.4, "pad": 0.8}
        axes.text(x0, y0, box.words, fontsize=5.5, va="top", color="black", bbox=under, clip_on=True)


def _points(axes: "Axes", boxes: Array | None) -> None:
    """(N, 4) cxcywh in a unit square whose y points up, as DETR draws them."""
    assert boxes is not None
    x, y, wide, high = boxes.astype(float).clip(0, 1).T
    side = np.sqrt(wide * high)
    colours = np.stack([wide, 1 - side, high], axis=1)
    axes.scatter(x, y, s=POINTS * side, c=colours, alpha=ALPHA, linewidths=0, rasterized=True)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    for spine in axes.spines.values():
        spine.set_visible(True)
