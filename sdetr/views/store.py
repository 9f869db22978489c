"""Planned views in one Parquet file; one row group per draw, so that a pass reads what it needs."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sdetr.files import written_whole
from sdetr.views.pairs import Pair

KEPT = 2
"""Draws kept in memory: the pass that ends and the one that begins."""


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
    schema = _schema(regions).with_metadata({"views": json.dumps(about, sort_keys=True)})
    with (
        written_whole(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=False) as writer,
    ):
        for number, pairs in enumerate(draws):
            if not pairs:
                raise ValueError(f"draw {number} has no image: no proposal shows in the overlap of any")
            writer.write_table(_table(number, pairs, schema), row_group_size=len(pairs))


class ViewPlan:
    """`draws` of pairs with `regions` regions each; `counts[k]` images are in draw k."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError, or ValueError when it is no plan."""
        if not path.exists():
            raise FileNotFoundError(f"no planned views {path}; `sdetr views` makes them")
        try:
            metadata = pq.read_metadata(path)
            about = metadata.metadata[b"views"]
        except (pa.ArrowInvalid, KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no planned views ({error!r}); make it again") from error
        self.path = path
        self.about: dict[str, Any] = json.loads(about)
        self.regions = metadata.schema.to_arrow_schema().field("regions").type.list_size // 4
        self.counts = [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)]
        self.draws = len(self.counts)
        self._read: dict[int, Draw] = {}

    def pair(self, draw: int, row: int) -> Pair:
        """A pair by its place among the `counts[draw]` of a draw."""
        ids, flips, sizes, view_sizes, views, regions = (column[row] for column in self.draw(draw))
        size, view_size = tuple(sizes.tolist()), tuple(view_sizes.tolist())
        return Pair(int(ids), bool(flips), size, view_size, views, regions)

    def draw(self, number: int) -> Draw:
        if number not in self._read:
            if len(self._read) == KEPT:
                del self._read[next(iter(self._read))]
            self._read[number] = _columns(pq.ParquetFile(self.path).read_row_group(number))
        return self._read[number]


def _schema(regions: int) -> pa.Schema:
    size, rectangles = pa.list_(pa.int32(), 2), pa.float32()
    return pa.schema(
        {
            "draw": pa.int32(),
            "image_id": pa.int64(),
            "flipped": pa.bool_(),
            "size": size,
            "view_size": size,
            "views": pa.list_(rectangles, 8),
            "regions": pa.list_(rectangles, 4 * regions),
        }
    )


def _table(number: int, pairs: Sequence[Pair], schema: pa.Schema) -> pa.Table:
    def lists(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
        flat = np.array(list(values)).reshape(-1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat, kind.value_type), type=kind)

    columns = [
        pa.array(np.full(len(pairs), number), pa.int32()),
        pa.array([pair.image_id for pair in pairs], pa.int64()),
        pa.array([pair.flipped for pair in pairs], pa.bool_()),
        *(
            lists((getattr(pair, name) for pair in pairs), schema.field(name).type)
            for name in ("size", "view_size", "views", "regions")
        ),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _columns(table: pa.Table) -> Draw:
    n = table.num_rows

    def flat(name: str) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = table[name].combine_chunks().flatten().to_numpy()
        return array.reshape(n, -1)

    return Draw(
        image_ids=table["image_id"].to_numpy(),
        flipped=table["flipped"].to_numpy(),
        sizes=flat("size"),
        view_sizes=flat("view_size"),
        views=flat("views").reshape(n, 2, 4),
        regions=flat("regions").reshape(n, -1, 4),
    )
