"""Photographs as JPEG files, and what a pretext plans of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sdetr.config.layers import Params
from sdetr.data.dataset import Dataset
from sdetr.proposals.selective_search import SelectiveSearch
from sdetr.proposals.settings import SelectiveSearchSettings
from sdetr.views.crops import plan_crops
from sdetr.views.pairs import plan_pair
from sdetr.views.patches import draw_patches
from sdetr.views.settings import CropsSettings, PairsSettings, ViewsRun
from tests.bench.proposals import photographs

PARAMS = Params(Path(__file__).parents[2] / "params")
PROTOCOL = "updetr-imagenet-60e"
"""Whose sizes of views every pretext gets."""


@dataclass(frozen=True)
class Work:
    """Images of a data set, and what is planned of each."""

    dataset: Dataset
    files: list[Path]
    run: ViewsRun
    planned: list[Any]  # Cropped, or Pair
    searching: bool = False
    """Whether the reference looks for boxes in every image."""


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
    recipe, protocol = PARAMS.resolve("views", name).values, PARAMS.resolve("protocols", PROTOCOL).values
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
    boxes = SelectiveSearch(search_settings())(number, image).boxes_xyxy_px.astype(np.float64)
    if isinstance(recipe, PairsSettings):
        return plan_pair(run, number, size, boxes, 0)
    return plan_crops(run, number, size, boxes[: recipe.regions], 0)


def search_settings() -> SelectiveSearchSettings:
    """DETReg's, one ranking."""
    values = PARAMS.resolve("proposers", "selective-search").values
    return SelectiveSearchSettings.model_validate(values | {"rankings": 1})
