"""True segments of a panoptic data set, and true masks of its things, read from its index and raw files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.panoptic_quality import Segments
from sdetr.segments import read_segments


@dataclass(frozen=True)
class PanopticTruth:
    """I images, in the order of their ids."""

    index: Path
    classes: tuple[str, ...]
    things: NDArray[np.bool_]  # (C,)
    image_id: NDArray[np.int64]  # (I,), ascending
    size: list[tuple[int, int]]  # (H, W) of each
    files: list[Path]  # the PNG of each
    rows: list[list[dict[str, Any]]]  # segments of each, as the index has them
    instances: Path | None
    """COCO's file of things alone, whose masks may overlap."""

    def segments(self) -> Iterator[Segments]:
        """Of each image; one at a time, as they are large. Raises FileNotFoundError or ValueError."""
        for file, size, rows in zip(self.files, self.size, self.rows, strict=True):
            yield Segments(
                ids=read_segments(file, size),
                id=np.array([row["segment"] for row in rows], np.int64),
                label=np.array([row["category_id"] for row in rows], np.int64),
                crowd=np.array([row["iscrowd"] for row in rows], np.bool_),
            )


def panoptic_truth(index: Path) -> PanopticTruth:
    """Raises ValueError for an index of boxes alone."""
    content = json.loads(index.read_bytes())
    info, categories = content["info"], sorted(content["categories"], key=lambda row: row["id"])
    if not all("isthing" in row for row in categories):
        raise ValueError(
            f"{index} has no segments; say `panoptic:` in the file of the data set, and prepare it again"
        )
    root = index.parent / info["root"]
    images = sorted(content["images"], key=lambda row: row["id"])
    rows: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in images}
    for row in content["annotations"]:
        rows[row["image_id"]].append(row)
    return PanopticTruth(
        index=index,
        classes=tuple(row["name"] for row in categories),
        things=np.array([row["isthing"] for row in categories], np.bool_),
        image_id=np.array([row["id"] for row in images], np.int64),
        size=[(row["height"], row["width"]) for row in images],
        files=[root / row["segments"] for row in images],
        rows=[rows[row["id"]] for row in images],
        instances=root / info["instances"] if info.get("instances") else None,
    )
