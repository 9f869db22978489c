"""The page about somebody's data set: what is in it, what was found, and sixteen of its images."""

from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO

from PIL import Image, ImageDraw

from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.own.diagnosis import Diagnosis
from sdetr.data.own.examine import boxes_by_class
from sdetr.data.own.findings import Finding
from sdetr.report.markup import Markup, code, folded, grid, paragraph, section, tag
from sdetr.report.run_page import STYLE

SHOWN = 16
TILE_PX = 280


def doctor_page(diagnosis: Diagnosis) -> str:
    """One HTML file with everything in it."""
    title = f"Data set {diagnosis.name}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    found = list(diagnosis.findings)
    body = tag(
        "main",
        tag("h1", title),
        paragraph(verdict(diagnosis)),
        section("Parts", _parts(diagnosis)),
        *([section("Classes", _classes(diagnosis))] if diagnosis.classes else []),
        section("Found", *(_finding(one) for one in found)) if found else paragraph("Nothing odd was found."),
        section("Images", *_pictures(next(iter(diagnosis.parts.values())).index)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def verdict(diagnosis: Diagnosis) -> str:
    """One sentence."""
    errors = diagnosis.findings.errors
    if not errors:
        return "It can be used."
    return f"It cannot be used as it is: {', '.join(f'{one.code} {one.kind.what}' for one in errors)}."


def _parts(diagnosis: Diagnosis) -> Markup:
    rows = []
    for split, part in diagnosis.parts.items():
        funnel, sizes = part.index.funnel, sorted(max(row[2:4]) for row in part.index.images)
        middle = f"{sizes[0]}, {sizes[len(sizes) // 2]}, {sizes[-1]}" if sizes else "–"
        counts = [str(funnel[key]) for key in ("images_found", "images", "images_without_boxes", "boxes")]
        rows.append([split, *counts, middle])
    header = [
        "part",
        "images found",
        "used",
        "of them without boxes",
        "boxes",
        "longer side: least, middle, most",
    ]
    return grid(header, rows)


def _classes(diagnosis: Diagnosis) -> Markup:
    counts = {split: boxes_by_class(part.index) for split, part in diagnosis.parts.items()}
    rows = [
        [str(n), name, *(str(count[name]) for count in counts.values())]
        for n, name in enumerate(diagnosis.classes)
    ]
    return grid(["label", "class", *(f"boxes, {split}" for split in counts)], rows)


def _finding(one: Finding) -> Markup:
    places = [tag("li", code(str(place))) for place in one.places]
    more = [tag("li", f"… and {one.count - len(places)} more")] if one.count > len(places) else []
    title = f"{one.code} · {one.severity} · {one.kind.what} · {one.count}"
    return folded(title, paragraph(f"{one.kind.cure}."), tag("ul", *places, *more))


def _pictures(index: Index) -> Iterator[Markup]:
    """Spread over the whole part."""
    of: dict[int, list[Annotation]] = {}
    for annotation in index.annotations:
        of.setdefault(annotation.image_id, []).append(annotation)
    step = max(1, len(index.images) // SHOWN)
    figures = []
    for row in index.images[::step][:SHOWN]:
        boxes = of.get(row.id, [])
        words = f"{row.file}: {len(boxes)} boxes"
        figures.append(
            tag(
                "figure",
                tag("img", src=_drawn(index, row, boxes), alt=words),
                tag("figcaption", code(row.file), f": {len(boxes)} boxes"),
                class_="tall",
            )
        )
    yield tag("div", *figures, class_="pictures")


def _drawn(index: Index, row: ImageRow, boxes: list[Annotation]) -> str:
    picture = Image.fromarray(index.pixels(row))
    scale = TILE_PX / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    tile = picture.resize(size)
    pen = ImageDraw.Draw(tile)
    for box in boxes:
        x, y, width, height = (value * scale for value in box.box_xywh_px)
        hue = round(360 * box.label / max(1, len(index.classes)))
        pen.rectangle((x - 1, y - 1, x + width + 1, y + height + 1), outline="black")
        pen.rectangle((x, y, x + width, y + height), outline=f"hsl({hue}, 95%, 60%)", width=2)
        pen.text((x + 3, y + 1), index.classes[box.label], fill="white", stroke_width=1, stroke_fill="black")
    file = BytesIO()
    tile.save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"
