"""What training samples cost beside the way of PIL and torchvision's transforms.

From JPEG files of 500 x 375 and 640 x 480 pixels to normalised views, crops and boxes, in batches of four.
Geometry is planned for both, and boxes are stored; DETReg's released loader searches for them whenever it
reads an image.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sdetr.config.layers import Params
from sdetr.data.dataset import Dataset
from sdetr.data.normalise import DEVIATION, normalise
from sdetr.proposals.selective_search import SelectiveSearch
from sdetr.proposals.settings import SelectiveSearchSettings
from sdetr.types import View
from sdetr.views.colour import Colour, coloured, crops_coloured
from sdetr.views.crops import plan_crops
from sdetr.views.crops_loader import pixels, stacked
from sdetr.views.pairs import plan_pair
from sdetr.views.patches import draw_patches
from sdetr.views.pixels import cut
from sdetr.views.settings import CropsSettings, PairsSettings, ViewsRun
from sdetr.views.stack import with_pixels
from tests.bench.harness import Row, in_turn, main, timed
from tests.bench.pil import Collated, Made, Paint, by_chance, collated, crops_sample, pair_sample
from tests.bench.proposals import photographs, process

ROOT = Path(__file__).parents[2]
BATCH = 4
ROUNDS = 5
PROTOCOL = "updetr-imagenet-60e"
"""Whose sizes of views all three get."""
SEARCH = "against a loader that searches"
AIMS: dict[str, tuple[float, float]] = {
    "updetr-patches": (3.5, 6),
    "siamese-pairs": (3.5, 7),
    f"detreg-top, {SEARCH}": (7, 12),
}
"""With colours made on the CPU, and left to a GPU."""


@dataclass(frozen=True)
class Work:
    """Images of a data set, and what is planned of each."""

    dataset: Dataset
    files: list[Path]
    run: ViewsRun
    planned: list[Any]  # Cropped, or Pair
    searching: bool = False
    """Whether the reference looks for boxes in every image."""


def rows() -> Iterator[Row]:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        photos = written(Path(folder))
        for name in (*AIMS, "detreg-top"):
            work = work_of(name.split(",")[0], *photos, searching=SEARCH in name)
            for ours, how, aim in zip(
                (ready, loaded), ("on the CPU", "left to a GPU"), AIMS.get(name, (None, None)), strict=True
            ):
                seconds = in_turn(partial(_all, ours, work), partial(_all, released, work), ROUNDS)
                what = f"{len(work.files)} samples of {name}; colours {how}"
                note = f"pixels {gray_levels_apart(work):.2f} gray levels apart before colours"
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
        both = [(work.dataset[start + i].image, one) for i, one in enumerate(planned)]
        if isinstance(work.run.views, CropsSettings):
            yield stacked(planned, [pixels(image, one, crop_px) for image, one in both])
        else:
            yield from with_pixels(planned, [cut(image, one, crop_px) for image, one in both])


def released(work: Work, painter: Callable[[], Paint] = by_chance) -> Iterator[Collated]:
    """The same batches, one image and one crop after the other."""
    sample: Callable[..., Made] = crops_sample
    if isinstance(work.run.views, PairsSettings):
        sample = pair_sample
    paint = painter()
    for start in range(0, len(work.planned), BATCH):
        made = []
        for i in range(start, min(start + BATCH, len(work.planned))):
            if work.searching:
                process(_search(), np.asarray(Image.open(work.files[i]).convert("RGB")))
            made.append(sample(work.files[i], work.planned[i], work.run.views.crop_px, paint))
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


def written(folder: Path) -> tuple[Dataset, list[Path]]:
    """Photographs as JPEG files, of two sizes in turn."""
    images, files = [], []
    for number, photo in enumerate(2 * photographs()):
        width, height = ((500, 375), (640, 480))[number // 2 % 2]
        files.append(folder / f"{number}.jpg")
        Image.fromarray(photo).resize((width, height)).save(files[-1], quality=90)
        images.append({"id": number, "file_name": f"{number}.jpg", "height": height, "width": width})
    info = {"dataset": "photographs", "root": ".", "funnel": {}}
    index = {"info": info, "images": images, "annotations": [], "categories": []}
    (folder / "index.json").write_text(json.dumps(index))
    return Dataset(folder / "index.json"), files


def work_of(name: str, dataset: Dataset, files: list[Path], searching: bool = False, **changes: Any) -> Work:
    """A view, or a pair, of each image by a recipe; boxes are those of Selective Search."""
    params = Params(ROOT / "params")
    recipe, protocol = params.resolve("views", name).values, params.resolve("protocols", PROTOCOL).values
    fields = {"stage": "views", "recipe": 1, "seed": 0, "dataset": "none"}
    sizes = {"short": protocol["short"], "longest": protocol["longest"]}
    run = ViewsRun.model_validate(fields | sizes | {"views": recipe | changes})
    planned = [_planned(run, dataset, number) for number in range(len(files))]
    assert all(planned)
    return Work(dataset, files, run, planned, searching)


def _planned(run: ViewsRun, dataset: Dataset, number: int) -> Any:
    size, recipe = dataset.sizes[number], run.views
    if isinstance(recipe, CropsSettings) and recipe.proposer is None:
        return plan_crops(run, number, size, draw_patches(run, number, size, 0), 0)
    image = np.ascontiguousarray(dataset[number].image.permute(1, 2, 0).numpy())
    boxes = SelectiveSearch(_search())(number, image).boxes_xyxy_px.astype(np.float64)
    if isinstance(recipe, PairsSettings):
        return plan_pair(run, number, size, boxes, 0)
    return plan_crops(run, number, size, boxes[: recipe.regions], 0)


def _search() -> SelectiveSearchSettings:
    """DETReg's, one ranking."""
    values = Params(ROOT / "params").resolve("proposers", "selective-search").values
    return SelectiveSearchSettings.model_validate(values | {"rankings": 1})


if __name__ == "__main__":
    main(rows)
