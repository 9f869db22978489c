"""Whether boxes belong to their images: objects are where proposals are, and differ from what is beside them.

Both are true of boxes of other images by chance alone. Where own boxes do neither better, in images where
there is something to see, annotations were shuffled, or are of other pictures, however well they can be
learned by heart. Where nothing is to be seen nobody is accused: the test has no power there.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from sdetr.data.images import Pixels
from sdetr.data.index import Index
from sdetr.proposals.choose import choose_proposer
from sdetr.proposals.contrast import Contrast
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
SEEN = 0.01
"""Share of what differs in and around the first proposals that they explain where something is to be seen.
In noise, sharp or blurred, it is two thousandths at most; in the demo's scenes a seventh, and two hundredths
below a noise of 30 grey levels.
"""
LEAST = 0.001
"""Such a share that less of it is as little as nothing."""


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
    apart: float
    """How much of what differs in and around objects is explained by being inside, geometric mean."""
    others_apart: float
    """The same of objects of another image, at the same places."""
    chance_apart: float
    """Share of exchanges that explain as much as no exchange."""
    seen: float
    """How much the first proposals of images explain, as many as there are objects."""

    @property
    def doubtful(self) -> bool:
        """Whether boxes may as well be those of other images, where others would be told from own ones."""
        as_well = min(self.chance, self.chance_apart) > CHANCE
        return as_well and self.alike < ALIKE and self.seen >= SEEN

    def __str__(self) -> str:
        return (
            f"boxes overlap what is seen in their images by {100 * self.own:.0f} %, those of other images "
            f"by {100 * self.others:.0f} % ({100 * self.chance:.1f} % of exchanges fit as well), and explain "
            f"{100 * self.apart:.0f} % of what differs in and around them, those of other images "
            f"{100 * self.others_apart:.0f} % ({100 * self.chance_apart:.1f} % as much)"
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
    boxes, pictures = {}, {}
    for row in rows:
        picture = Image.fromarray(content.pixels(row))
        scale = min(1.0, LONGEST_PX / max(picture.size))
        small = picture.resize((max(1, round(row.width * scale)), max(1, round(row.height * scale))))
        pictures[row.id] = np.asarray(small)
        boxes[row.id] = propose(row.id, pictures[row.id]).boxes_xyxy_px / scale
    sizes = {row.id: (row.height, row.width) for row in rows}
    return belonging(boxes.__getitem__, {row.id: objects[row.id] for row in rows}, sizes, pictures)


def belonging(
    boxes_of: Callable[[int], Floats],
    objects: Mapping[int, Doubles],
    sizes: Mapping[int, tuple[int, int]],
    pictures: Mapping[int, Pixels],
    seed: int = 0,
) -> Belonging:
    """Proposals (N, 4), best first, and objects (M, 4) xyxy px by image id, (H, W) of each, and how each
    looks, at any size. Two images at least.
    """
    ids = list(objects)
    fractions = {i: objects[i] / _corners(sizes[i]) for i in ids}
    fit: Doubles = np.array(
        [[_best(boxes_of(i), fractions[j] * _corners(sizes[i])) for j in ids] for i in ids]
    )
    beside: Doubles = np.array([[_best(fractions[i], fractions[j]) for j in ids] for i in ids])
    contrasts = {i: Contrast(pictures[i]) for i in ids}
    # Means of logarithms: a box that meets half a clear thing by chance shall not outweigh many pale ones.
    apart: Doubles = np.array([[np.log(contrasts[i](fractions[j]) + LEAST).mean() for j in ids] for i in ids])
    first = {i: boxes_of(i)[: len(objects[i])] / _corners(sizes[i]) for i in ids}
    seen = [contrasts[i](first[i]).mean() if len(first[i]) else 0.0 for i in ids]
    alike = _exchanged(beside, seed).others
    explained, others, chance = _exchanged(apart, seed)
    plain, of_others = (float(np.exp(one) - LEAST) for one in (explained, others))
    return Belonging(*_exchanged(fit, seed), alike, plain, of_others, chance, float(np.mean(seen)))


class _Exchanged(NamedTuple):
    own: float
    others: float
    chance: float


def _exchanged(of: Doubles, seed: int) -> _Exchanged:
    """(images, images): how well objects of the second are placed in the first → of their own, of others, and
    how often exchanges are as well as none.
    """
    rng, rows = np.random.default_rng(seed), np.arange(len(of))
    drawn = np.array([of[rows, rng.permutation(len(of))].mean() for _ in range(DRAWS)])
    own = float(np.diag(of).mean())
    chance = float((1 + (drawn >= own).sum()) / (1 + DRAWS))
    return _Exchanged(own, float(of[~np.eye(len(of), dtype=bool)].mean()), chance)


def _best(boxes: npt.NDArray[np.floating], objects: Doubles) -> float:
    return coverage(lambda _: boxes.astype(np.float64), {0: objects}).best_overlap()


def _corners(size: tuple[int, int]) -> Doubles:
    return np.array([size[1], size[0], size[1], size[0]], np.float64)
