"""Proposals as columns: one line per box, sorted by image and rank."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sdetr.proposals.proposed import Floats, Orders

Row = tuple[int, Floats, Floats, *tuple[Orders, ...]]
"""Image id, boxes (N, 4) xyxy px best first, scores (N,); of each further ranking its order (N,)."""


def schema(rankings: int) -> pa.Schema:
    """The further rankings' columns say which of the image's boxes stands at this rank there."""
    names = {"image_id": pa.int64(), "rank": pa.int32()}
    names |= dict.fromkeys(("x0", "y0", "x1", "y1", "score"), pa.float32())
    return pa.schema(names | dict.fromkeys(order_names(rankings), pa.int32()))


def order_names(rankings: int) -> list[str]:
    return [f"order{ranking}" for ranking in range(1, rankings)]


def as_table(images: Sequence[Row], rankings: int) -> pa.Table:
    """At least one image."""
    image_ids, boxes, *others = zip(*images, strict=True)
    counts = [len(one) for one in boxes]
    columns = [
        np.repeat(np.array(image_ids, np.int64), counts),
        np.concatenate([np.arange(count, dtype=np.int32) for count in counts]),
        *np.ascontiguousarray(np.concatenate(boxes).T, np.float32),
        *map(np.concatenate, others),
    ]
    fields = schema(rankings)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.Table.from_arrays(arrays, schema=fields)
