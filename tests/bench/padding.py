"""How much of a batch is padding, and how many shapes batches have: as drawn, and in scale paper's buckets.

Sizes are drawn like those of COCO's and ImageNet's images, by the few shapes that most of them have and an
assumed spread of all others; what becomes of them is drawn by the papers' recipes, as training draws it. No
pixel is needed.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.data.buckets import Buckets
from sdetr.data.passes import Ints, Passes
from sdetr.data.settings import AS_DRAWN, AugmentSettings, BucketSettings
from sdetr.data.sizes import draw_change, resized
from sdetr.training.settings import PretrainProtocolSettings, ProtocolSettings
from sdetr.views.geometry import outer_rectangle
from sdetr.views.settings import PairsSettings
from tests.bench.harness import Row, counted, main

IMAGES = 40_000
BATCHES = (4, 32, 64)
AIM, SHAPES = 1.15, 80

COMMON = {
    "coco": {
        (480, 640): 0.33, (640, 480): 0.1, (427, 640): 0.15, (640, 427): 0.05, (426, 640): 0.08,
        (375, 500): 0.05, (500, 375): 0.02, (333, 500): 0.03, (640, 640): 0.03, (612, 612): 0.02,
        (360, 640): 0.02,
    },
    "imagenet": {
        (375, 500): 0.48, (500, 375): 0.13, (333, 500): 0.12, (500, 333): 0.04, (500, 500): 0.05,
        (334, 500): 0.02,
    },
}  # fmt: skip
"""(H, W) → assumed share; width over height of the others is log-uniform in 0.5..2.2."""
LONGEST = {"coco": 640, "imagenet": 500}

Recipe = Callable[[tuple[int, int], np.random.Generator], tuple[int, int]]


@dataclass(frozen=True)
class Epoch:
    """A pass in batches."""

    ratio: float  # pixels with padding, to those without
    shapes: int


def rows() -> Iterator[Row]:
    params = Composer(Params(Path(__file__).parents[2] / "params"), "paper")
    most = [0, 0]
    for what, images, protocol, views in (
        ("UP-DETR", "imagenet", "updetr-imagenet-60e", "updetr-patches"),
        ("DETReg", "imagenet", "detreg-in100-50e", "detreg-top"),
        ("DETReg", "coco", "detreg-coco-50e", "detreg-top"),
        ("Siamese DETR", "imagenet", "siamese-imagenet-60e", "siamese-pairs"),
        ("Siamese DETR", "coco", "siamese-coco-60e", "siamese-pairs"),
        ("fine-tuning", "coco", "detr-coco-300e", None),
    ):
        settings, recipe = _recipe(params, protocol, views)
        sizes = drawn(images, recipe)
        for batch in BATCHES:
            ours, plain = (epoch(sizes, batch, how) for how in (settings, AS_DRAWN))
            most = [max(pair) for pair in zip(most, (ours.shapes, plain.shapes), strict=True)]
            said = f"padded to real pixels, {what} on {images}, batch {batch}"
            note = f"{ours.shapes} shapes, as drawn {plain.shapes}"
            yield counted(said, "as drawn", ours.ratio, plain.ratio, "times", AIM, note)
    yield counted("shapes of batches in a pass, the most of these", "as drawn", *most, "shapes", SHAPES)


def epoch(sizes: Ints, batch: int, settings: BucketSettings) -> Epoch:
    """One pass over images that become views of `sizes` (n, 2)."""
    buckets = Buckets(Passes(0, [len(sizes)], batch, seed=0), settings, lambda _, rows: sizes[rows])
    shapes: set[tuple[int, int]] = set()
    padded = real = 0
    for step in range(buckets.steps_per_pass):
        mine = sizes[[place.row for place in buckets.places(step)]]
        shape = buckets.shape([(h, w) for h, w in mine.tolist()])
        shapes.add(shape)
        padded += batch * math.prod(shape)
        real += int(mine.prod(axis=1).sum())
    return Epoch(round(padded / real, 3), len(shapes))


def drawn(images: str, recipe: Recipe) -> Ints:
    """(IMAGES, 2) H, W of what becomes of images."""
    rng = np.random.default_rng(1)
    return np.array([recipe(size, rng) for size in originals(images)])


@cache
def originals(images: str) -> list[tuple[int, int]]:
    """(H, W) of images like those of a data set."""
    rng = np.random.default_rng(0)
    common, longest = COMMON[images], LONGEST[images]
    shares = [*common.values(), 1 - sum(common.values())]
    sizes = [*common, None]
    return [sizes[k] or _odd(longest, rng) for k in rng.choice(len(sizes), IMAGES, p=shares)]


def _odd(longest: int, rng: np.random.Generator) -> tuple[int, int]:
    aspect = math.exp(rng.uniform(math.log(0.5), math.log(2.2)))
    return (longest, round(longest * aspect)) if aspect < 1 else (round(longest / aspect), longest)


def _recipe(params: Composer, protocol: str, views: str | None) -> tuple[BucketSettings, Recipe]:
    """Buckets of a protocol, and how it turns the size of an image into that of a view."""
    if views is None:
        tuning: ProtocolSettings = params.finetuning(protocol, {})
        return tuning.buckets, lambda size, rng: draw_change(size, tuning.augment, rng).size
    training: PretrainProtocolSettings = params.pretraining(protocol, {})
    recipe, short, longest = params.views(views, {}), training.short, training.longest
    if isinstance(recipe, PairsSettings):
        area, aspect = recipe.area, recipe.aspect

        def pair(size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
            shown = resized(size, int(rng.choice(short)), longest)
            x0, y0, x1, y1 = outer_rectangle(shown, area, aspect, rng).tolist()
            return int(y1 - y0), int(x1 - x0)

        return training.buckets, pair
    like = AugmentSettings(flip=recipe.flip, short=short, longest=longest, crop=recipe.crop)
    return training.buckets, lambda size, rng: draw_change(size, like, rng).size


if __name__ == "__main__":
    main(rows)
