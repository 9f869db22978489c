"""Found segments of a whole data set: their columns, their files as COCO has them, and their quality."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdetr.evaluation.panoptic_quality import Floats, Segments, qualities, tally
from sdetr.evaluation.panoptic_truth import PanopticTruth, panoptic_truth
from sdetr.files import folder_written_whole, sha256, write_json
from sdetr.segments import read_segments


@dataclass(frozen=True)
class Found:
    """What is said of an image: its segments, no two of which share a pixel."""

    png: bytes | Path
    id: tuple[int, ...]  # (S,), above 0
    label: tuple[int, ...]  # (S,)

    def segments(self, size: tuple[int, int]) -> Segments:
        """Of an image of `size` (H, W). Raises FileNotFoundError or ValueError."""
        ids = np.array(self.id, np.int64)
        label = np.array(self.label, np.int64)
        return Segments(read_segments(self.png, size), ids, label, np.zeros(ids.size, np.bool_))


Answers = Mapping[int, Found]
"""By image id; an image without any segment is there, too."""


def panoptic_quality(index: Path, answers: Answers) -> dict[str, float]:
    """PQ SQ RQ of all classes, of things (`-th`) and of stuff (`-st`), percent; absent without any class.

    Raises FileNotFoundError or ValueError when answers do not fit the index.
    """
    truth = panoptic_truth(index)
    return means(tallies(truth, answers).sum(axis=0), truth)


def means(total: Floats, truth: PanopticTruth) -> dict[str, float]:
    """(C, 4) → what is known."""
    found = qualities(total, truth.things)
    return {name: float(value) for name, value in found.items() if not np.isnan(value)}


def tallies(truth: PanopticTruth, answers: Answers) -> Floats:
    """(I, C, 4), as `tally` has it. Raises ValueError for another set of images, or an unknown label."""
    if other := set(truth.image_id.tolist()) ^ set(answers):
        raise ValueError(
            f"{len(other)} images are in {truth.index} or have segments, not both, first id {min(other)}; "
            "predict on the images of the index"
        )
    rows = []
    for image_id, size, true in zip(truth.image_id.tolist(), truth.size, truth.segments(), strict=True):
        found = answers[image_id].segments(size)
        _refuse_unknown(found.label, len(truth.classes), f"image {image_id}")
        rows.append(tally(true, found, len(truth.classes), f"image {image_id}"))
    return np.stack(rows) if rows else np.zeros((0, len(truth.classes), 4))


def resampled_quality(truth: PanopticTruth, tallied: Floats, counts: NDArray[np.int64]) -> dict[str, Floats]:
    """(I, C, 4), (I, B) how often each draw has each image → the numbers of `panoptic_quality`, (B,) each."""
    return qualities(np.einsum("ict,ib->bct", tallied, counts, optimize=True), truth.things)


def write_panoptic(path: Path, answers: Answers, classes: tuple[str, ...], things: tuple[bool, ...]) -> None:
    """COCO's format: a JSON, and the PNGs in a folder beside it; `category_id` counts classes from 0."""
    annotations = []
    with folder_written_whole(path.with_suffix("")) as new:
        for image_id, found in answers.items():
            name, png = f"{image_id:012d}.png", found.png
            new.joinpath(name).write_bytes(png if isinstance(png, bytes) else png.read_bytes())
            infos = [{"id": i, "category_id": c} for i, c in zip(found.id, found.label, strict=True)]
            row = {"image_id": image_id, "file_name": name, "sha256": sha256(new / name)}
            annotations.append(row | {"segments_info": infos})
    categories = [
        {"id": n, "name": name, "isthing": int(thing)}
        for n, (name, thing) in enumerate(zip(classes, things, strict=True))
    ]
    write_json(path, {"annotations": annotations, "categories": categories})


def read_panoptic(path: Path, classes: tuple[str, ...]) -> dict[int, Found]:
    """What `write_panoptic` wrote. Raises FileNotFoundError, or ValueError for other classes or pixels."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"no {path}; train the run's masks again") from None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}; train the run's masks again") from error
    names = tuple(row["name"] for row in content["categories"])
    if names != classes:
        raise ValueError(f"{path} has the classes {list(names)}, expected {list(classes)}")
    for row in content["annotations"]:
        png = path.with_suffix("") / row["file_name"]
        if sha256(png) != row["sha256"]:
            raise ValueError(f"{png} is not what {path} lists; train the run's masks again")
    return {
        row["image_id"]: Found(
            path.with_suffix("") / row["file_name"],
            tuple(info["id"] for info in row["segments_info"]),
            tuple(info["category_id"] for info in row["segments_info"]),
        )
        for row in content["annotations"]
    }


def _refuse_unknown(label: NDArray[np.int64], classes: int, where: str) -> None:
    unknown = (label < 0) | (label >= classes)
    if unknown.any():
        raise ValueError(
            f"{where}: a segment of class {label[unknown][0]}; the {classes} classes count from 0"
        )
