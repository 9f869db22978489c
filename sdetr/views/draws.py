"""Planned views in one Parquet file; one row group per draw, so that a pass reads what it needs."""

import json
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sdetr.files import written_whole
from sdetr.proposals.described import read_described, read_rows

KEPT = 2
"""Draws kept in memory: the pass that ends and the one that begins."""
SIZE = pa.list_(pa.int32(), 2)
"""Type of a column of (H, W)."""


class Columns(Protocol):
    """What every draw of V views has."""

    @property
    def image_ids(self) -> npt.NDArray[np.int64]:  # (V,)
        ...

    @property
    def view_sizes(self) -> npt.NDArray[np.int32]:  # (V, 2) H, W that views are resized to
        ...


Draw = TypeVar("Draw", bound=Columns)


class DrawFile(Generic[Draw]):
    """`draws` of planned views; `counts[k]` images are in draw k."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError, or ValueError when it is no plan."""
        metadata, self.about = read_described(path, "views", "planned views", "views")
        self.path = path
        self.schema = metadata.schema.to_arrow_schema()
        self.counts = [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)]
        self.draws = len(self.counts)
        self._read: dict[int, Draw] = {}

    def draw(self, number: int) -> Draw:
        """The columns of a draw."""
        if number not in self._read:
            if len(self._read) == KEPT:
                del self._read[next(iter(self._read))]
            self._read[number] = self._columns(read_rows(self.path, number, "planned views", "views", True))
        return self._read[number]

    @abstractmethod
    def _columns(self, table: pa.Table) -> Draw: ...


def write_draws(
    path: Path, schema: pa.Schema, draws: Iterable[list[pa.Array]], about: dict[str, Any]
) -> None:
    """The columns of every draw, its number before them; `about` is kept in the file.

    Raises ValueError when a draw is empty.
    """
    schema = schema.with_metadata({"views": json.dumps(about, sort_keys=True)})
    with (
        written_whole(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=False) as writer,
    ):
        for number, columns in enumerate(draws):
            rows = len(columns[0])
            if not rows:
                raise ValueError(f"draw {number} has no image: too few regions show in any")
            numbers = pa.array(np.full(rows, number), pa.int32())
            table = pa.Table.from_arrays([numbers, *columns], schema=schema)
            writer.write_table(table, row_group_size=rows)


def fixed(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Equally long rows of numbers as one column."""
    flat = np.array(list(values)).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat, kind.value_type), type=kind)


def flat(table: pa.Table, name: str) -> npt.NDArray[Any]:
    """A column of rows of numbers, side by side, (…,)."""
    values: npt.NDArray[Any] = table[name].combine_chunks().flatten().to_numpy()
    return values
