"""The file of planned views with crops."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sdetr.views.crops import Cropped
from sdetr.views.draws import SIZE, DrawFile, fixed, flat, write_draws

RECTANGLES = pa.list_(pa.float32())
SCHEMA = pa.schema(
    {
        "draw": pa.int32(),
        "image_id": pa.int64(),
        "flipped": pa.bool_(),
        "size": SIZE,
        "window": pa.list_(pa.int32(), 4),
        "view_size": SIZE,
        "regions": RECTANGLES,
        "boxes": RECTANGLES,
    }
)


class Draw(NamedTuple):
    """The views of one draw, V of them; regions of the i-th from `starts[i]` to `starts[i + 1]`."""

    image_ids: npt.NDArray[np.int64]  # (V,)
    flipped: npt.NDArray[np.bool_]  # (V,)
    sizes: npt.NDArray[np.int32]  # (V, 2) H, W
    windows: npt.NDArray[np.int32]  # (V, 4)
    view_sizes: npt.NDArray[np.int32]  # (V, 2) H, W
    starts: npt.NDArray[np.int64]  # (V + 1,)
    regions: npt.NDArray[np.float32]  # (ΣN, 4)
    boxes: npt.NDArray[np.float32]  # (ΣN, 4)


def write_crops(path: Path, draws: Iterable[Sequence[Cropped]], about: dict[str, Any]) -> None:
    """Equal views give equal bytes; `about` is kept in the file."""
    write_draws(path, SCHEMA, map(_arrays, draws), about)


class CropPlan(DrawFile[Draw]):
    """Views with any number of regions."""

    def view(self, draw: int, row: int) -> Cropped:
        """A view by its place among the `counts[draw]` of a draw."""
        d = self.draw(draw)
        mine = slice(int(d.starts[row]), int(d.starts[row + 1]))
        height, width = d.sizes[row].tolist()
        view_size = tuple(d.view_sizes[row].tolist())
        return Cropped(
            int(d.image_ids[row]),
            bool(d.flipped[row]),
            (height, width),
            d.windows[row],
            view_size,
            d.regions[mine],
            d.boxes[mine],
        )

    def _columns(self, table: pa.Table) -> Draw:
        n = table.num_rows
        counts = table["regions"].combine_chunks().value_lengths().to_numpy() // 4
        return Draw(
            image_ids=table["image_id"].to_numpy(),
            flipped=table["flipped"].to_numpy(),
            sizes=flat(table, "size").reshape(n, 2),
            windows=flat(table, "window").reshape(n, 4),
            view_sizes=flat(table, "view_size").reshape(n, 2),
            starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            regions=flat(table, "regions").reshape(-1, 4),
            boxes=flat(table, "boxes").reshape(-1, 4),
        )


def _arrays(views: Sequence[Cropped]) -> list[pa.Array]:
    def any_length(name: str) -> pa.Array:
        rows = [np.asarray(getattr(view, name), np.float32).ravel() for view in views]
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
        values = np.concatenate([*rows, np.zeros(0, np.float32)])
        return pa.ListArray.from_arrays(pa.array(starts), pa.array(values, pa.float32()))

    return [
        pa.array([view.image_id for view in views], pa.int64()),
        pa.array([view.flipped for view in views], pa.bool_()),
        *(
            fixed((getattr(view, name) for view in views), SCHEMA.field(name).type)
            for name in ("size", "window", "view_size")
        ),
        any_length("regions"),
        any_length("boxes"),
    ]
