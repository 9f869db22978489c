"""What training samples cost beside the way of PIL and torchvision's transforms.

From JPEG files of 500 x 375 and 640 x 480 pixels to normalised views, crops and boxes, in batches of four.
Geometry is planned for both, and boxes are stored; DETReg's released loader searches for them whenever it
reads an image. Memory that is freed stays with the process, as where we train; to their way, which makes one
small array after the other, that makes little difference.
"""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sdetr.data.normalise import DEVIATION, normalise
from sdetr.training.device import choose_device
from sdetr.types import View
from sdetr.views.colour import Colour, coloured, crops_coloured
from sdetr.views.crops_loader import pixels, stacked
from sdetr.views.pixels import cut
from sdetr.views.settings import CropsSettings, PairsSettings
from sdetr.views.stack import with_pixels
from tests.bench.harness import Row, in_turn, main, timed
from tests.bench.pil import Collated, Made, Paint, by_chance, collated, crops_sample, pair_sample
from tests.bench.proposals import process
from tests.bench.sample_work import Work, search_settings, work_of, written

BATCH = 4
ROUNDS = 5
SEARCH = "against a loader that searches"
AIMS = {"updetr-patches": 3.5, "siamese-pairs": 3.5, f"detreg-top, {SEARCH}": 7.0}
"""With colours made on the CPU."""


def rows() -> Iterator[Row]:
    cv2.setNumThreads(1)
    choose_device("cpu")
    with tempfile.TemporaryDirectory() as folder:
        photos = written(Path(folder))
        for name in (*AIMS, "detreg-top"):
            work = work_of(name.split(",")[0], *photos, searching=SEARCH in name)
            note = f"pixels {gray_levels_apart(work):.2f} gray levels apart before colours"
            # the second is no like for like: it says how much of the work a loader is relieved of
            for ours, how, aim in (
                (ready, "made on the CPU", AIMS.get(name)),
                (loaded, "left to a GPU", None),
            ):
                seconds = in_turn(partial(_all, ours, work), partial(_all, released, work), ROUNDS)
                what = f"{len(work.files)} samples of {name}; colours {how}"
                yield timed(what, "PIL, torchvision's transforms", seconds, aim, note)


def ready(work: Work) -> Iterator[View]:
    """Batches as a pretraining on a CPU gets them."""
    colour = Colour(work.run.views.colour)
    painted = crops_coloured if isinstance(work.run.views, CropsSettings) else coloured
    return (normalise(painted(view, colour)) for view in loaded(work))


def loaded(work: Work) -> Iterator[View]:
    """The loader's part, bytes."""
    crop_px = work.run.views.crop_px
    for start in range(0, len(work.planned), BATCH):
        planned = work.planned[start : start + BATCH]
        height, width = (max(one.view_size[side] for one in planned) for side in (0, 1))
        both = [(work.dataset[start + i].image, one) for i, one in enumerate(planned)]
        if isinstance(work.run.views, CropsSettings):
            yield stacked(planned, [pixels(image, one, crop_px) for image, one in both], (height, width))
        else:
            cuts = [cut(image, one, crop_px) for image, one in both]
            yield from with_pixels(planned, cuts, (height, width))


def released(work: Work, painter: Callable[[], Paint] = by_chance) -> Iterator[Collated]:
    """The same batches, one image and one crop after the other."""
    sample: Callable[..., Made] = crops_sample
    if isinstance(work.run.views, PairsSettings):
        sample = pair_sample
    paint = painter()
    for start in range(0, len(work.planned), BATCH):
        made = []
        for i in range(start, min(start + BATCH, len(work.planned))):
            image = Image.open(work.files[i]).convert("RGB")
            if work.searching:
                process(search_settings(), np.asarray(image))
            made.append(sample(image, work.planned[i], work.run.views.crop_px, paint))
        yield collated(made)


def gray_levels_apart(work: Work) -> float:
    """Mean difference of all views and crops, without colours."""
    ours = [normalise(view) for view in loaded(work)]
    theirs = list(released(work, lambda: lambda image: image))
    per = len(ours) // len(theirs)  # views of an image
    found = []
    for k, view in enumerate(ours):
        images, _, crops, _ = theirs[k // per]
        found.append(levels(view.images - images[k % per :: per]).mean())
        for mine, of_image in zip(view.crops, crops, strict=True):
            wanted = of_image[k % per] if per > 1 else of_image
            found.append(levels(mine[: len(wanted)] - wanted).mean())
    return float(torch.stack(found).mean())


def levels(difference: Tensor) -> Tensor:
    """Of normalised pixels (…, 3, H, W): gray levels."""
    return difference.abs() * torch.tensor(DEVIATION).view(3, 1, 1) * 255


def _all(batches: Callable[[Work], Iterator[object]], work: Work) -> None:
    """Made, and let go of."""
    for _ in batches(work):
        pass


if __name__ == "__main__":
    main(rows)
