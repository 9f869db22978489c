"""What is done to annotations that cannot be used as they are: clipped or dropped, and always counted."""

import math
from collections import Counter
from dataclasses import replace

from sdetr.data.index import Annotation, ImageRow, Index


def clean(index: Index) -> Index:
    """The index with boxes inside their images, none empty, none twice; its funnel says how many were not.

    Segments stay also where their box is empty: they are one pixel wide, and as true as others.
    Raises ValueError for a box that is not four finite numbers, naming the image.
    """
    images = {row.id: row for row in index.images}
    counts = Counter(boxes_found=len(index.annotations), clipped=0, degenerate=0, duplicate=0)
    kept: dict[Annotation, None] = {}
    for annotation in index.annotations:
        clipped = _clip(annotation, images[annotation.image_id])
        counts["clipped"] += clipped.box_xywh_px != annotation.box_xywh_px
        empty = min(clipped.box_xywh_px[2:]) <= 0
        counts["degenerate"] += empty
        if empty and clipped.segment is None:
            continue
        if clipped in kept:
            counts["duplicate"] += 1
        else:
            kept[clipped] = None
    counts.update(
        images=len(index.images),
        boxes=len(kept),
        crowd=sum(a.crowd for a in kept),
        difficult=sum(a.difficult for a in kept),
        images_without_boxes=len(images.keys() - {a.image_id for a in kept}),
    )
    return replace(index, annotations=list(kept), funnel=index.funnel | dict(counts))


def _clip(annotation: Annotation, image: ImageRow) -> Annotation:
    x, y, width, height = annotation.box_xywh_px
    if not all(map(math.isfinite, annotation.box_xywh_px)):
        raise ValueError(f"box {annotation.box_xywh_px} of image {image.file} is not four finite numbers")
    low_x, low_y = max(x, 0.0), max(y, 0.0)
    high_x, high_y = min(x + width, float(image.width)), min(y + height, float(image.height))
    if (low_x, low_y, high_x, high_y) == (x, y, x + width, y + height):
        return annotation  # untouched to the last bit
    return annotation._replace(box_xywh_px=(low_x, low_y, high_x - low_x, high_y - low_y))
