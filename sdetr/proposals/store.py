"""Proposals of a data set in one Parquet file, sorted by image and rank; equal rows make equal bytes."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from sdetr.files import written_whole
from sdetr.proposals.columns import Row, as_table, order_names, schema
from sdetr.proposals.described import read_described, read_rows
from sdetr.proposals.proposed import Floats, Orders

GROUP = 512
"""Images per row group, whatever the shards: what is read at once."""

KEPT = 256
"""Row groups kept in memory, all of COCO's: its index is in no order."""


class Group(NamedTuple):
    """Some images' proposals, those of the i-th from `starts[i]` to `starts[i + 1]`."""

    image_ids: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    boxes: Floats
    scores: Floats
    orders: list[Orders]  # of each ranking but the first; they count from the image's start


def write_proposals(
    path: Path, rows: Iterable[Row], about: Callable[[], dict[str, Any]], rankings: int = 1
) -> None:
    """Rows by ascending image id; `about` is asked when all are written, and kept in the file.

    An order takes 1.1 bytes per box: its bytes are split, because nearly all of the high ones are 0.
    """
    rows = iter(rows)
    names = order_names(rankings)
    split = {"column_encoding": dict.fromkeys(names, "BYTE_STREAM_SPLIT")} if names else {}
    with (
        written_whole(path) as temporary,
        pq.ParquetWriter(
            temporary, schema(rankings), compression="zstd", use_dictionary=False, **split
        ) as writer,
    ):
        while images := list(islice(rows, GROUP)):
            table = as_table(images, rankings)
            writer.write_table(table, row_group_size=table.num_rows)
        writer.add_key_value_metadata({"proposals": json.dumps(about(), sort_keys=True)})


class Proposals:
    """`of(image_id, ranking)` and `scores(image_id)`, read a few hundred images at a time."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError, or ValueError when it holds no proposals."""
        metadata, self.about = read_described(path, "proposals", "proposals", "propose")
        self.path = path
        self.edges: str | None = self.about.get("edges")
        """Which edge map was used; None for proposers that look at no edges."""
        groups = (metadata.row_group(i).column(0).statistics for i in range(metadata.num_row_groups))
        self.rankings = metadata.num_columns - len(schema(1)) + 1
        """How many orders the boxes of an image come in."""
        self._first = np.array([one.min for one in groups], np.int64)
        self._read: dict[int, Group] = {}

    def of(self, image_id: int, ranking: int = 0) -> Floats:
        """(N, 4) xyxy px of the displayed image, best first; none if the image could not be read.

        Raises ValueError for an image or a ranking that the file knows nothing of.
        """
        if not 0 <= ranking < self.rankings:
            raise ValueError(f"{self.path} has {self.rankings} rankings, no ranking {ranking}")
        group, rows = self._find(image_id)
        boxes = group.boxes[rows]
        return boxes[group.orders[ranking - 1][rows]] if ranking and len(boxes) else boxes

    def scores(self, image_id: int) -> Floats:
        """(N,) in the order of the first ranking."""
        group, rows = self._find(image_id)
        return group.scores[rows]

    def rows(self) -> Iterator[Row]:
        """All of them, in the order of the file."""
        for number in range(len(self._first)):
            group = self._load(number)
            for image_id, start, end in zip(
                group.image_ids, group.starts[:-1], group.starts[1:], strict=True
            ):
                orders = (order[start:end] for order in group.orders)
                yield int(image_id), group.boxes[start:end], group.scores[start:end], *orders

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
        table = read_rows(self.path, number, "proposals", "propose")
        columns = [table[name].to_numpy() for name in ("x0", "y0", "x1", "y1")]
        image_ids, starts = np.unique(table["image_id"].to_numpy(), return_index=True)
        boxes = np.stack(columns, axis=1)
        boxes.flags.writeable = False  # whoever moves boxes moves a copy: the next reader gets the same
        orders = [table[name].to_numpy() for name in order_names(self.rankings)]
        return Group(image_ids, np.append(starts, table.num_rows), boxes, table["score"].to_numpy(), orders)


def _nothing() -> Group:
    empty = np.zeros(0, np.int64)
    return Group(empty, empty, np.zeros((0, 4), np.float32), np.zeros(0, np.float32), [])
