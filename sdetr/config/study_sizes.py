"""How large a study is: images, queries and steps, by somebody's images and machine. Where the papers say a
number it is theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

SEEDS = (0, 1, 2)
REGIONS = 6
"""Of a pair of views at scale demo; queries are shared evenly among them."""
EASY = 0.25
"""Side of an object as a share of the image's, from which on the demo's images are large enough."""
STEP_PX = 32
USUAL, WIDEST = 4 / 3, 4.0
"""Longest side over the shorter, at least and at most. An image of 4:1 has three times the pixels of one of
4:3, and an encoder's attention nine times the work; longer ones are seen smaller."""
GPU_REGIONS, GPU_QUERIES = 10, 100
"""Of a pair of views, and of a detector, at the papers' scale."""
MOST_PX = {"demo": 192, "rehearsal": 224, "gpu": 800}
"""Shorter side of images, at most: of tiny detectors, of their rehearsal on a CPU (minutes), on a GPU."""
PRETRAIN_BATCH, PRETRAIN_EPOCHS = 64, 60
"""Siamese DETR's own on COCO (§5.1), and the epochs of its schedule."""
PRETRAIN_STEPS = (10_000, 120_000)
"""At least, and at most. It takes 120,000 on COCO's 118,000 images; how few are enough for a few hundred
images nobody has published: guessed, a twelfth of it."""
TUNE_BATCH, TUNE_STEPS = 16, 100
"""Of the papers' fine-tuning, and steps of an epoch at least: a tenth of VOC 2012 makes 72 of them, all of
it 721."""

TUNE_STEPS_OF_DEMO = 10.0
"""Of an epoch, of 50, on a CPU. In the demo's own four a detector without pretraining learned nothing of
blood cells (AP 0.5), and whatever is compared with that seems to help."""


@dataclass(frozen=True)
class Facts:
    """What a study is sized by."""

    images: int
    """Of the labelled training part, with an object in each."""
    most_objects: int
    """In an image; one in a hundred may have more."""
    object_side: float
    """Of the middle object, a share of the image's shorter side."""
    gpu: bool
    swav: bool = False
    """Whether SwAV's weights are here."""
    unlabelled: int | None = None
    """Images that are pretrained on; unset: the labelled ones."""
    negatives: int = 0
    """Images of that part without an object, trained on as well."""
    ratio: float = USUAL
    """Longest side over the shorter, of the middle image."""


def scale_of(name: str, data: str, facts: Facts, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Of images, queries, seeds and what comes before anything long."""
    rehearsed = _resize(facts, "gpu" if facts.gpu else "rehearsal")
    own = {
        "compares": False,
        "seeds": list(seeds),
        "tables": {name: {"seeds": list(seeds)}},
        "rehearsal": {"dataset": data, "model": "conditional", "resize": rehearsed},
    }
    if facts.gpu:
        return {"extends": "paper", **own, **_on_gpu(facts)}
    tested = _resize(facts, "demo")
    short, longest = tested["short"], tested["longest"]
    sizes = {"short": [short], "longest": longest}
    sides = [short - 16, round(longest / USUAL) + 16]  # up to three quarters of an image, long or not
    crop = {"probability": 0.5, "short": [short + 16, short + 32], "side": sides}
    return {
        "extends": "demo",
        **own,
        "model": {"queries": _queries(facts, 12, REGIONS)},
        "pretrain": sizes,
        "detection": {
            "steps_per_epoch": TUNE_STEPS_OF_DEMO,
            "augment": sizes | {"crop": crop},
            "resize": tested,
        },
        "proposals": {"resize": tested},
    }


def _on_gpu(facts: Facts) -> dict[str, Any]:
    """What differs from the papers' scale: a rehearsal, and queries for images of many objects."""
    queries = _queries(facts, GPU_QUERIES, GPU_REGIONS)
    return {
        **({"model": {"queries": queries}} if queries > GPU_QUERIES else {}),
        "resources": {"rehearse": {"threads": 4, "gpu": 1, "mem_mb": 16000, "minutes": 30}},
    }


def _queries(facts: Facts, least: int, regions: int) -> int:
    """A third more than an image has objects, in equal numbers for the regions of a view."""
    return regions * ceil(max(least, 1.3 * facts.most_objects) / regions)


def _resize(facts: Facts, most: str) -> dict[str, int]:
    """Images so large that the middle object is as large as the demo's, up to a limit; also long ones."""
    wanted = min(MOST_PX[most], max(96.0, 96 * EASY / max(facts.object_side, 1e-6)))
    short = STEP_PX * round(wanted / STEP_PX)
    return {"short": short, "longest": round(short * min(max(facts.ratio, USUAL), WIDEST))}


def pretraining(facts: Facts) -> dict[str, Any]:
    """A batch of 256, once through a few hundred images, would be a step an epoch, sixty in all."""
    if not facts.gpu:
        return {}  # scale demo says how many
    least, most = PRETRAIN_STEPS
    images = facts.images + facts.negatives if facts.unlabelled is None else facts.unlabelled
    steps = min(max(PRETRAIN_EPOCHS * images / PRETRAIN_BATCH, least), most)
    why = f"a pass over the images, or more where that is less than {least} steps in all"
    return {
        "batch": PRETRAIN_BATCH,
        "steps_per_epoch": float(ceil(steps / PRETRAIN_EPOCHS)),
        "source": {"batch": "Siamese DETR §5.1, on COCO", "steps_per_epoch": f"guessed; {why}"},
    }


def epoch(facts: Facts, share: int) -> dict[str, Any]:
    """A pass over the images of a share, and of few images as many steps as the papers take for a part."""
    if not facts.gpu:
        return {}
    images = (facts.images + facts.negatives) * share / 100
    return {"steps_per_epoch": float(max(TUNE_STEPS, ceil(images / TUNE_BATCH)))}
