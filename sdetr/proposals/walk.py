"""A proposer on image after image, and what became of each."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sdetr.data.index import ImageRow, Index
from sdetr.data.progress import ticking
from sdetr.proposals.columns import Row
from sdetr.proposals.proposed import Propose

log = logging.getLogger(__name__)


class Walk:
    """Image after image, counting what became of them."""

    def __init__(self, propose: Propose, index: Index) -> None:
        self._propose = propose
        self._index = index
        self._counts: Counter[str] = Counter()
        self._left_out: dict[str, str] = {}

    def over(self, images: Sequence[ImageRow], what: str) -> Iterator[Row]:
        """Proposals of the images that can be read. Raises FileNotFoundError for one that is not there."""
        for row in ticking(images, len(images), what):
            self._counts["images"] += 1
            try:
                image = self._index.pixels(row)
            except ValueError as error:
                log.warning("left out: %s", error)
                self._counts["unreadable"] += 1
                self._left_out[str(row.id)] = row.file
                continue
            proposed = self._propose(row.id, image)
            self._counts[proposed.how] += 1
            self._counts["boxes"] += len(proposed.boxes_xyxy_px)
            yield row.id, proposed.boxes_xyxy_px, proposed.scores, *proposed.orders

    def tallies(self) -> dict[str, Any]:
        """So far: `counts` by what happened, and the files that were left out, by image id."""
        return {"counts": dict(self._counts), "left_out": self._left_out}
