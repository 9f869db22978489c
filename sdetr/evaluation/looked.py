"""What a look at a detector brought: numbers for a picture, in one file of arrays.

Boxes are xyxy in fractions of the image, cut off at its border. Images and maps are small, as they are drawn.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from sdetr.files import written_whole

Array = npt.NDArray[Any]


def _nothing(*shape: int) -> Callable[[], Array]:
    return lambda: np.zeros(shape, np.float32)


@dataclass(frozen=True)
class Found:
    """One image: how it looks, what is labelled in it, and what was found, best first."""

    pixels: Array  # (h, w, 3) uint8
    truth: Array = field(default_factory=_nothing(0, 4))  # (N, 4)
    names: Array = field(default_factory=_nothing(0))  # (N,) labels of the truth, int64
    boxes: Array = field(default_factory=_nothing(0, 4))  # (K, 4)
    scores: Array = field(default_factory=_nothing(0))  # (K,)
    labels: Array = field(
        default_factory=_nothing(0)
    )  # (K,) int64: classes; of patches, which one; -1 where there are none
    queries: Array = field(default_factory=_nothing(0))  # (K,) int64; -1 where nobody knows
    best: Array = field(default_factory=_nothing(0))  # (P,) of every patch the best score, sure enough or not
    maps: Array = field(
        default_factory=_nothing(0, 0, 0)
    )  # (K, h, w) of every box where it looks; or (3, h, w) gradients of x, y, z
    patches: Array = field(default_factory=_nothing(0, 0, 0, 3))  # (P, s, s, 3) uint8, as they were shown
    cut: Array = field(default_factory=_nothing(0, 4))  # (P, 4) boxes that the patches are of


@dataclass(frozen=True)
class Looked:
    """Of all images that were looked at."""

    kind: str
    """Of `show` in the protocol."""
    classes: tuple[str, ...]
    """Of the data set."""
    above: float
    """Least score that was sure enough; 0 where nothing was left out for it."""
    ids: tuple[int, ...]
    """Numbers of the images."""
    images: tuple[Found, ...] = ()
    slots: Array = field(default_factory=_nothing(0, 0, 4))  # (images, S, 4) cxcywh of the first queries


def write_looked(path: Path, looked: Looked) -> None:
    """The same bytes for the same numbers."""
    about = {"kind": looked.kind, "classes": looked.classes, "above": looked.above, "ids": looked.ids}
    arrays: dict[str, Array] = {"about": np.array(json.dumps(about)), "slots": looked.slots}
    for n, found in enumerate(looked.images):
        arrays |= {f"{n}.{name}": value for name, value in vars(found).items()}
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_looked(path: Path) -> Looked:
    """Raises FileNotFoundError, or ValueError for a file that is none of these."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            images: dict[int, dict[str, Array]] = {}
            for name in arrays.files:
                number, _, field_ = name.partition(".")
                if field_:
                    images.setdefault(int(number), {})[field_] = arrays[name]
            slots = arrays["slots"]
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} holds no looks ({error}); make it again") from error
    found = tuple(Found(**images[n]) for n in sorted(images))
    return Looked(about["kind"], tuple(about["classes"]), about["above"], tuple(about["ids"]), found, slots)
