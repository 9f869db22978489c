"""How an answer looks in an image."""

from PIL import ImageDraw

COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7")  # for colour-blind eyes, too
CONFIDENT = 0.3
"""Answers with a higher score are shown."""
AT_LEAST = 3
"""So many are shown where none is that sure."""


def worth_showing(scores: list[float], confident: float = CONFIDENT) -> list[int]:
    """Places of the answers to show, best first."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    return order[: sum(score > confident for score in scores) or AT_LEAST]


def mark(pen: ImageDraw.ImageDraw, box_xyxy: list[float], label: int, words: str, side_px: int) -> None:
    """A box in the colour of its label, words in its corner; sizes suit an image of that longer side."""
    x, y, right, bottom = box_xyxy
    colour, size = COLOURS[label % len(COLOURS)], max(11, side_px // 50)
    pen.rectangle([x, y, max(x, right), max(y, bottom)], outline=colour, width=max(2, side_px // 300))
    place = x + size / 4, y + size / 8
    pen.rectangle(pen.textbbox(place, words, font_size=size), fill=colour)
    pen.text(place, words, fill="black", font_size=size)
