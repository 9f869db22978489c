"""Whether boxes belong to their images: proposals fit objects of their own image better than of others.

Where they do not, annotations were shuffled, or are of other pictures, however well they can be learned by
heart.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from sdetr.data.index import Index
from sdetr.proposals.choose import choose_proposer
from sdetr.proposals.proposed import Floats
from sdetr.proposals.recall import Doubles, coverage, objects_of
from sdetr.proposals.settings import Proposer

DRAWS = 999
CHANCE = 0.01
"""So often, of draws that exchange images, may an exchange fit as well."""
LOOKED_AT, FEWEST = 48, 8
"""Images at most, and at least."""
LONGEST_PX = 320
"""Of an image as boxes are searched in it."""
ALIKE = 0.7
"""Mean overlap of boxes of one image with those of another from which exchanging them shows nothing."""


class Belonging(NamedTuple):
    """How well proposals fit the objects of their images."""

    own: float
    """Mean over images of the mean overlap (IoU) of objects with their best proposal."""
    others: float
    """The same of objects of another image, at the same places."""
    chance: float
    """Share of exchanges that fit as well as no exchange."""
    alike: float
    """How much objects of two images overlap by themselves."""

    @property
    def doubtful(self) -> bool:
        """Whether boxes may as well be those of other images."""
        return self.chance > CHANCE and self.alike < ALIKE

    def __str__(self) -> str:
        return (
            f"boxes overlap what is seen in their images by {100 * self.own:.0f} %, those of other images "
            f"by {100 * self.others:.0f} % ({100 * self.chance:.1f} % of exchanges fit as well)"
        )


def belonging_of(content: Index, proposer: Proposer, downloads: Path) -> Belonging | None:
    """Of some images of an index that have objects; None where they are too few to tell.

    `downloads` is where a proposer's files lie.
    """
    objects = objects_of(content)
    rows = [row for row in content.images if row.id in objects]
    rows = rows[:: max(1, len(rows) // LOOKED_AT)][:LOOKED_AT]
    if len(rows) < FEWEST:
        return None
    propose, _ = choose_proposer(proposer, downloads)
    boxes = {}
    for row in rows:
        picture = Image.fromarray(content.pixels(row))
        scale = min(1.0, LONGEST_PX / max(picture.size))
        small = picture.resize((max(1, round(row.width * scale)), max(1, round(row.height * scale))))
        boxes[row.id] = propose(row.id, np.asarray(small)).boxes_xyxy_px / scale
    sizes = {row.id: (row.height, row.width) for row in rows}
    return belonging(boxes.__getitem__, {row.id: objects[row.id] for row in rows}, sizes)


def belonging(
    boxes_of: Callable[[int], Floats],
    objects: Mapping[int, Doubles],
    sizes: Mapping[int, tuple[int, int]],
    seed: int = 0,
) -> Belonging:
    """Proposals (N, 4) and objects (M, 4) xyxy px by image id, and (H, W) of each. Two images at least."""
    ids = list(objects)
    fractions = {i: objects[i] / _corners(sizes[i]) for i in ids}
    fit: Doubles = np.array(
        [[_best(boxes_of(i), fractions[j] * _corners(sizes[i])) for j in ids] for i in ids]
    )
    beside: Doubles = np.array([[_best(fractions[i], fractions[j]) for j in ids] for i in ids])
    off = ~np.eye(len(ids), dtype=bool)
    rng, rows = np.random.default_rng(seed), np.arange(len(ids))
    drawn = np.array([fit[rows, rng.permutation(len(ids))].mean() for _ in range(DRAWS)])
    own = float(np.diag(fit).mean())
    chance = float((1 + (drawn >= own).sum()) / (1 + DRAWS))
    return Belonging(own, float(fit[off].mean()), chance, float(beside[off].mean()))


def _best(boxes: npt.NDArray[np.floating], objects: Doubles) -> float:
    return coverage(lambda _: boxes.astype(np.float64), {0: objects}).best_overlap()


def _corners(size: tuple[int, int]) -> Doubles:
    return np.array([size[1], size[0], size[1], size[0]], np.float64)
