"""Proposals of a data set in one Parquet file, sorted by image and rank; equal rows make equal bytes."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sdetr.files import written_whole
from sdetr.proposals.proposed import Floats

GROUP = 512
"""Images per row group, whatever the shards: what is read at once."""

KEPT = 256
"""Row groups kept in memory, all of COCO's: its index is in no order."""

SCHEMA = pa.schema(
    {"image_id": pa.int64(), "rank": pa.int32()}
    | {name: pa.float32() for name in ("x0", "y0", "x1", "y1", "score")}
)

Row = tuple[int, Floats, Floats]
"""Image id, boxes (N, 4) xyxy px best first, scores (N,)."""


class Group(NamedTuple):
    """Some images' proposals, those of the i-th from `starts[i]` to `starts[i + 1]`."""

    image_ids: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    boxes: Floats
    scores: Floats


def write_proposals(path: Path, rows: Iterable[Row], about: Callable[[], dict[str, Any]]) -> None:
    """Rows by ascending image id; `about` is asked when all are written, and kept in the file."""
    rows = iter(rows)
    with (
        written_whole(path) as temporary,
        pq.ParquetWriter(temporary, SCHEMA, compression="zstd", use_dictionary=False) as writer,
    ):
        while images := list(islice(rows, GROUP)):
            table = _table(images)
            writer.write_table(table, row_group_size=table.num_rows)
        writer.add_key_value_metadata({"proposals": json.dumps(about(), sort_keys=True)})


class Proposals:
    """`of(image_id)` and `scores(image_id)`, read a few hundred images at a time."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError, or ValueError when it holds no proposals."""
        if not path.exists():
            raise FileNotFoundError(f"no proposals {path}; `sdetr propose` makes them")
        try:
            metadata = pq.read_metadata(path)
            about = metadata.metadata[b"proposals"]
        except (pa.ArrowInvalid, KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no proposals ({error!r}); make it again") from error
        self.path = path
        self.about: dict[str, Any] = json.loads(about)
        self.edges: str | None = self.about.get("edges")
        """Which edge map was used; None for proposers that look at no edges."""
        groups = (metadata.row_group(i).column(0).statistics for i in range(metadata.num_row_groups))
        self._first = np.array([one.min for one in groups], np.int64)
        self._read: dict[int, Group] = {}

    def of(self, image_id: int) -> Floats:
        """(N, 4) xyxy px of the displayed image, best first; none if the image could not be read.

        Raises ValueError for an image that the file knows nothing of.
        """
        group, rows = self._find(image_id)
        return group.boxes[rows]

    def scores(self, image_id: int) -> Floats:
        """(N,) in the order of `of`."""
        group, rows = self._find(image_id)
        return group.scores[rows]

    def rows(self) -> Iterator[Row]:
        """All of them, in the order of the file."""
        for number in range(len(self._first)):
            group = self._load(number)
            for image_id, start, end in zip(
                group.image_ids, group.starts[:-1], group.starts[1:], strict=True
            ):
                yield int(image_id), group.boxes[start:end], group.scores[start:end]

    def _find(self, image_id: int) -> tuple[Group, slice]:
        number = int(np.searchsorted(self._first, image_id, side="right")) - 1
        if number >= 0:
            group = self._group(number)
            i = int(np.searchsorted(group.image_ids, image_id))
            if i < len(group.image_ids) and group.image_ids[i] == image_id:
                return group, slice(int(group.starts[i]), int(group.starts[i + 1]))
        if str(image_id) in self.about["left_out"]:
            return _nothing(), slice(0)
        raise ValueError(f"{self.path} knows no image {image_id}; it was made for another data set")

    def _group(self, number: int) -> Group:
        if number not in self._read:
            if len(self._read) == KEPT:
                del self._read[next(iter(self._read))]
            self._read[number] = self._load(number)
        return self._read[number]

    def _load(self, number: int) -> Group:
        table = pq.ParquetFile(self.path).read_row_group(number, use_threads=False)
        columns = [table[name].to_numpy() for name in ("x0", "y0", "x1", "y1")]
        image_ids, starts = np.unique(table["image_id"].to_numpy(), return_index=True)
        boxes = np.stack(columns, axis=1)
        return Group(image_ids, np.append(starts, table.num_rows), boxes, table["score"].to_numpy())


def _table(images: list[Row]) -> pa.Table:
    counts = [len(boxes) for _, boxes, _ in images]
    boxes = np.concatenate([boxes for _, boxes, _ in images])
    columns = [
        np.repeat(np.array([image_id for image_id, _, _ in images], np.int64), counts),
        np.concatenate([np.arange(count, dtype=np.int32) for count in counts]),
        *np.ascontiguousarray(boxes.T, np.float32),
        np.concatenate([scores for _, _, scores in images]),
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _nothing() -> Group:
    empty = np.zeros(0, np.int64)
    return Group(empty, empty, np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
