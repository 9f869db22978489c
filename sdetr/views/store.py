"""The file of planned pairs of views."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sdetr.views.draws import SIZE, DrawFile, fixed, flat, write_draws
from sdetr.views.pairs import Pair


class Draw(NamedTuple):
    """The pairs of one draw, N of them, in the order of the index."""

    image_ids: npt.NDArray[np.int64]  # (N,)
    flipped: npt.NDArray[np.bool_]  # (N,)
    sizes: npt.NDArray[np.int32]  # (N, 2) H, W that an image is resized to
    view_sizes: npt.NDArray[np.int32]  # (N, 2) H, W that its views are resized to
    views: npt.NDArray[np.float32]  # (N, 2, 4) xyxy px of the resized and perhaps flipped image
    regions: npt.NDArray[np.float32]  # (N, R, 4) likewise; the first is the overlap


def write_plan(path: Path, draws: Iterable[Sequence[Pair]], regions: int, about: dict[str, Any]) -> None:
    """Equal pairs give equal bytes; `about` is kept in the file."""
    schema = _schema(regions)
    write_draws(path, schema, (_columns(pairs, schema) for pairs in draws), about)


class ViewPlan(DrawFile[Draw]):
    """Pairs with `regions` regions each."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.regions = self.schema.field("regions").type.list_size // 4

    def pair(self, draw: int, row: int) -> Pair:
        """A pair by its place among the `counts[draw]` of a draw."""
        ids, flips, sizes, view_sizes, views, regions = (column[row] for column in self.draw(draw))
        size, view_size = tuple(sizes.tolist()), tuple(view_sizes.tolist())
        return Pair(int(ids), bool(flips), size, view_size, views, regions)

    def _columns(self, table: pa.Table) -> Draw:
        n = table.num_rows
        return Draw(
            image_ids=table["image_id"].to_numpy(),
            flipped=table["flipped"].to_numpy(),
            sizes=flat(table, "size").reshape(n, -1),
            view_sizes=flat(table, "view_size").reshape(n, -1),
            views=flat(table, "views").reshape(n, 2, 4),
            regions=flat(table, "regions").reshape(n, -1, 4),
        )


def _schema(regions: int) -> pa.Schema:
    rectangles = pa.float32()
    return pa.schema(
        {
            "draw": pa.int32(),
            "image_id": pa.int64(),
            "flipped": pa.bool_(),
            "size": SIZE,
            "view_size": SIZE,
            "views": pa.list_(rectangles, 8),
            "regions": pa.list_(rectangles, 4 * regions),
        }
    )


def _columns(pairs: Sequence[Pair], schema: pa.Schema) -> list[pa.Array]:
    return [
        pa.array([pair.image_id for pair in pairs], pa.int64()),
        pa.array([pair.flipped for pair in pairs], pa.bool_()),
        *(
            fixed((getattr(pair, name) for pair in pairs), schema.field(name).type)
            for name in ("size", "view_size", "views", "regions")
        ),
    ]
