"""How good, how large, how many and how dear a proposer's boxes are, on some images of a data set."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sdetr.data.images import Pixels
from sdetr.data.index import ImageRow, Index
from sdetr.proposals.choose import choose_proposer
from sdetr.proposals.proposed import Floats, Propose, Proposed
from sdetr.proposals.recall import coverage, objects_of
from sdetr.proposals.settings import ProposalsRun
from sdetr.proposals.stage import made_from
from sdetr.proposals.store import Proposals
from sdetr.proposals.walk import Walk

AT = (10, 30, 100, 300)
"""Recall is told for so many first boxes."""
TIMED = 8
"""Images that are searched again for the time it takes, where the boxes are there already."""


class Survey(NamedTuple):
    """What is known of one proposer's boxes."""

    proposer: str
    stored: bool
    """Whether the boxes are those of the proposals stage; else they were made for this survey."""
    unreadable: int
    per_image: float
    recall: tuple[float, ...]  # at IoU .5, for `AT`; empty for data without objects
    best_overlap: float | None  # mean over objects of the IoU with their best box
    areas: tuple[float, ...]  # shares of the image: 10 % of boxes are smaller, half, 90 %
    seconds: float  # of one core, per image
    timed: int
    """On how many images."""
    boxes: dict[int, Floats]  # by image id, (N, 4) xyxy px


def sample(images: Sequence[ImageRow], count: int) -> list[ImageRow]:
    """`count` of the images, the same ones at every call; all where there are no more."""
    order = np.random.default_rng(0).permutation(len(images))[:count]
    return sorted(images[i] for i in order)


def survey(name: str, run: ProposalsRun, stored: Path, index: Index, images: Sequence[ImageRow]) -> Survey:
    """Of the boxes in `stored` if they were made from `run`, else of boxes made now and kept nowhere."""
    proposals = Proposals(stored) if stored.exists() else None
    made = made_from(run)
    if proposals and any(proposals.about.get(key) != value for key, value in made.items()):
        proposals = None
    propose, _ = choose_proposer(run.proposer, Path(run.dataset).parents[1] / "downloads")
    timed = _Timed(propose)
    walk = Walk(timed, index)
    found = {row[0]: row[1] for row in walk.over(images[: TIMED if proposals else None], f"boxes of {name}")}
    boxes = {row.id: proposals.of(row.id) for row in images} if proposals else found
    boxes = {image_id: those for image_id, those in boxes.items() if len(those)}
    if not boxes or not timed.calls:
        raise ValueError(f"none of {len(images)} images of {index.dataset} gave a box; are they readable?")
    objects = {i: those for i, those in objects_of(index).items() if i in {row.id for row in images}}
    covered = coverage(lambda i: boxes.get(i, np.zeros((0, 4), np.float32)), objects) if objects else None
    return Survey(
        proposer=name,
        stored=proposals is not None,
        unreadable=len(images) - len(boxes),
        per_image=float(np.mean([len(those) for those in boxes.values()])),
        recall=tuple(covered.recall(most) for most in AT) if covered else (),
        best_overlap=covered.best_overlap() if covered else None,
        areas=_areas(boxes, images),
        seconds=timed.seconds / timed.calls,
        timed=timed.calls,
        boxes=boxes,
    )


class _Timed:
    """A proposer, and how long it took: what this process computed, whatever else the machine did."""

    def __init__(self, propose: Propose) -> None:
        self._propose = propose
        self.seconds, self.calls = 0.0, 0

    def __call__(self, image_id: int, image: Pixels) -> Proposed:
        began = time.process_time()
        proposed = self._propose(image_id, image)
        self.seconds += time.process_time() - began
        self.calls += 1
        return proposed


def _areas(boxes: dict[int, Floats], images: Sequence[ImageRow]) -> tuple[float, ...]:
    """10 %, 50 % and 90 % quantiles over all boxes."""
    shares = [
        (boxes[row.id][:, 2:] - boxes[row.id][:, :2]).prod(axis=1) / (row.height * row.width)
        for row in images
        if row.id in boxes
    ]
    return tuple(np.quantile(np.concatenate(shares), (0.1, 0.5, 0.9)).tolist())
