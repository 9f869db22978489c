"""Figures of a run page: a small drawing per curve, and the pictures of the run, small enough to travel."""

import base64
import io
from pathlib import Path

from PIL import Image

from sdetr.report.chart import curve
from sdetr.report.links import Links
from sdetr.report.markup import Markup, code, section, tag
from sdetr.report.run_folder import RunFolder
from sdetr.report.words import number

MEANINGS = {
    "total": "weighted sum of the losses: what is minimised",
    "label": "class loss",
    "box": "L1 loss of the boxes",
    "giou": "generalised-IoU loss of the boxes",
    "feature": "loss of what a region looks like",
    "global": "loss between the whole views",
    "grad_norm": "norm of the gradient before it is clipped",
    "lr": "learning rate",
    "iou": "IoU of found and wanted regions, 1 is best",
    "IoU": "IoU of found and wanted regions, percent",
    "feature_spread": "how different regions are told apart: 0 is collapse, 1 is spread",
    "global_spread": "how different images are told apart: 0 is collapse, 1 is spread",
}
PICTURES = {
    "proposals": "The best proposals of a few images, which nobody labelled",
    "pairs": "Pairs of views; a region has one colour in both",
    "views": "Views, and the regions that are to be found in them",
    "found": "Regions found (in colour) and wanted (thin, white)",
    "segments": "What test images are cut into, a colour for each class; no colour where nothing is sure",
    "test": "Test images: true boxes in white, answers in colour (above .3, or else the best three)",
}
"""First word of a picture's name → its caption, in the order in which they are shown."""
BUDGET_BYTES = 1_500_000
"""Of all pictures of a page together."""
ATTEMPTS = ((85, 1), (70, 1), (70, 2), (70, 4))
"""JPEG quality and how many times smaller, from the best on."""


def curves(run: RunFolder) -> Markup:
    figures = [_curve_figure(name, points) for name, points in run.series().items()]
    if not figures:
        return section("Curves", tag("p", "The run left no curve."))
    return section("Curves", tag("div", *figures, class_="curves"))


def _curve_figure(name: str, points: list[tuple[float, float]]) -> Markup:
    short = name.partition("/")[2]
    meaning = MEANINGS.get(short.removeprefix("aux_"), "")
    if short.startswith("aux_"):
        meaning = f"the same for earlier decoder layers: {meaning}" if meaning else "earlier decoder layers"
    if name.startswith("test/") and not meaning:
        meaning = "measured on the test images, percent"
    caption = [tag("b", name), f" {number(points[-1][1])} at the end", tag("small", meaning)]
    return tag("figure", curve(name, points), tag("figcaption", *caption))


def pictures(run: RunFolder, links: Links) -> Markup:
    """Each links to its file in full; one that cannot be made small enough is a link alone."""
    files = sorted((run.path / "pictures").glob("*.png"), key=_order)
    if not files:
        return section("Pictures", tag("p", "The run left no pictures."))
    share = BUDGET_BYTES // len(files)
    figures = [_picture(file, share, links) for file in files]
    return section("Pictures", tag("div", *figures, class_="pictures"))


def _order(file: Path) -> tuple[int, str]:
    word = _word(file)
    return (list(PICTURES).index(word) if word in PICTURES else len(PICTURES)), file.name


def _word(file: Path) -> str:
    return file.stem.partition("-")[0]


def _picture(file: Path, most_bytes: int, links: Links) -> Markup:
    words = PICTURES.get(_word(file), file.stem)
    number_in_name = file.stem.partition("-")[2]
    caption = f"{words}, step {int(number_in_name)}." if number_in_name.isdigit() else f"{words}."
    below = tag("figcaption", caption, " ", links.to(file, code(file.name)))
    content, (width, height) = _small(file, most_bytes)
    if not content:
        return tag("figure", below)
    data = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
    image = tag("img", src=data, alt=caption, width=width, height=height)
    return tag("figure", image, below, class_="tall" if height > width else "broad")


def _small(file: Path, most_bytes: int) -> tuple[bytes, tuple[int, int]]:
    """As JPEG, as good as fits; empty where nothing does. → content, (width, height)."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    for quality, times_smaller in ATTEMPTS:
        buffer = io.BytesIO()
        picture.reduce(times_smaller).save(buffer, format="JPEG", quality=quality, optimize=True)
        if buffer.tell() <= most_bytes:
            return buffer.getvalue(), picture.size
    return b"", picture.size
